"""Which version a version is compared with, and what its page says of the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from governance import services
from models_registry import jobs
from models_registry.models import Inspection, Version
from models_registry.succession import previous_of
from tests.plugins_versions import ACCEPTED, REFUSED, Answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def submitted(make_draft: Callable[..., Any], inspect: Callable[..., Any], scientist: Any) -> Callable[..., Any]:
    def submit(result: Any = None) -> Any:
        version = make_draft()
        services.submit(version, by=scientist)
        return inspect(version, result)

    return submit


def test_the_version_approved_last_comes_before_the_one_just_before(submitted: Any, make_approved: Any, make_model: Any) -> None:
    assert previous_of(submitted()) is None
    approved = make_approved()
    third, fourth = submitted(), submitted()
    assert (previous_of(approved).number, previous_of(third), previous_of(fourth)) == (1, approved, approved)
    Version.objects.filter(pk=approved.pk).update(state="suspended")
    assert previous_of(fourth) == third


def test_a_refused_version_a_draft_and_another_model_are_never_compared_with(
    submitted: Any, make_draft: Any, make_model: Any, inspect: Any, scientist: Any
) -> None:
    submitted(REFUSED)
    make_draft()
    assert previous_of(submitted()) is None
    other = make_draft(model=make_model("other"))
    services.submit(other, by=scientist)
    assert previous_of(inspect(other)) is None


def test_the_child_is_given_the_earlier_bytes(
    submitted: Any, make_draft: Any, scientist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = submitted()
    version = make_draft()
    services.submit(version, by=scientist)
    asked: dict[str, Any] = {}

    @contextmanager
    def run(module: str, **options: Any) -> Iterator[Answer]:
        asked.update(options["job"], bytes=options["inputs"]["previous"].read_bytes())
        yield Answer(ACCEPTED)

    monkeypatch.setattr(jobs, "run", run)
    jobs.inspect(Inspection.objects.select_related("version__model").get(version=version))
    assert asked["bytes"] == f"weights of {first.pk}".encode()
    assert asked["previous"] == {
        "id": str(first.pk), "number": 1, "state": "in_review", "checkpoint": first.checkpoint_digest,
    }  # fmt: skip


def test_earlier_bytes_that_are_gone_keep_nothing_from_being_inspected(
    submitted: Any, make_draft: Any, scientist: Any, inspect: Any
) -> None:
    first = submitted()
    Version.objects.filter(pk=first.pk).update(checkpoint_digest="sha256:" + "0" * 64)
    version = make_draft()
    services.submit(version, by=scientist)
    assert inspect(version).inspection.verdict == "accepted"


def test_the_page_and_the_api_tell_the_difference(submitted: Any, client_of: Any, api_of: Any, validator: Any) -> None:
    first = submitted()
    difference = {
        "previous": {"id": str(first.pk), "number": 1, "state": "in_review", "checkpoint": first.checkpoint_digest},
        "same": 7,
        "changed": [
            {"name": "head.weight", "shape": [3, 4], "dtype": "float32", "dtype_before": "float16", "norm": 0.5,
             "relative": 0.125, "largest": None}
        ],
        "added": [{"name": "head.scale", "shape": [3]}],
        "removed": [],
        "reshaped": [{"name": "stem", "shape": [4], "shape_before": [2]}],
        "counts": {"changed": 1, "added": 1, "removed": 0, "reshaped": 1},
        "norm": 0.5,
        "relative": 0.0635,
    }  # fmt: skip
    version = submitted({**ACCEPTED, "facts": {**ACCEPTED["facts"], "difference": difference}})
    page = client_of(validator).get(f"/versions/{version.pk}/evidence/").content.decode()
    for words in (
        "Changed weights since v1", "7 the same, 1 changed, 1 added, 0 removed, 1 of another shape", "12.5", "6.4",
        "float16 → float32", "head.scale", "2 → 4", f"/versions/{first.pk}/",
    ):  # fmt: skip
        assert words in page, words
    found = api_of(validator, "read").get(f"/api/v1/versions/{version.pk}/").json()["inspection"]["facts"]
    assert found["difference"] == difference


def test_the_page_says_why_nothing_was_compared(submitted: Any, client_of: Any, validator: Any) -> None:
    first = submitted()
    said = {
        "previous": {"id": str(first.pk), "number": 1, "checkpoint": ""},
        "not_compared": "The earlier checkpoint cannot be read.",
    }
    version = submitted({**ACCEPTED, "facts": {**ACCEPTED["facts"], "difference": said}})
    assert said["not_compared"] in client_of(validator).get(f"/versions/{version.pk}/evidence/").content.decode()
