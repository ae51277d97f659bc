"""A version whose checkpoint is an exported program: what is asked of the sandbox, and what its page says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evaluations.models import EvaluationRun
from governance import services
from governance.models import Policy
from models_registry.inspection.formats import Format
from tests.plugins_versions import ACCEPTED

pytestmark = pytest.mark.django_db

NOT_LOADED = "The program was read but not loaded: that needs a sandbox of level L2, and this one has L1."


@pytest.fixture
def submitted(make_draft: Callable[..., Any], inspect: Callable[..., Any], scientist: Any) -> Callable[..., Any]:
    """A submitted version whose checkpoint the inspection found to be of that format."""

    def submit(format_: Format, **facts: Any) -> Any:
        version = make_draft()
        services.submit(version, by=scientist)
        return inspect(version, {**ACCEPTED, "format": str(format_), "facts": {**ACCEPTED["facts"], **facts}})

    return submit


@pytest.mark.parametrize(("format_", "kind"), [(Format.TORCH_EXPORT, "programs"), (Format.SAFETENSORS, "weights")])
def test_a_program_is_measured_at_the_level_that_the_policy_sets_for_programs(
    submitted: Callable[..., Any], format_: Format, kind: str
) -> None:
    version = submitted(format_)
    levels = Policy.objects.get(reviews__version=version).document.evaluations.sandbox
    assert levels == {"weights": "L1", "programs": "L2"}
    assert EvaluationRun.objects.get(version=version).needed_level == levels[kind]


def test_the_page_names_the_format_in_words_and_says_what_was_not_checked(
    submitted: Callable[..., Any], client: Any, scientist: Any
) -> None:
    version = submitted(Format.TORCH_EXPORT, program={"exported_by": "torch 2.13.0"}, not_checked=[NOT_LOADED])
    client.force_login(scientist)
    page = client.get(f"/versions/{version.pk}/evidence/").content.decode()
    for words in ("exported program (.pt2)", "torch 2.13.0", NOT_LOADED):
        assert words in page
