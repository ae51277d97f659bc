"""A version of whose file only the tensors could be used: it goes on to its evaluation, and everybody is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evaluations.models import EvaluationRun
from governance import services
from governance.approvals import approval_of
from models_registry.inspection.formats import Format
from tests.plugins_versions import ACCEPTED, REFUSED

pytestmark = pytest.mark.django_db

SAID = "The pickle holds an object of people.Net. No code was imported or run for it; only the tensors were taken."
SALVAGED = {
    "verdict": "salvageable",
    "format": str(Format.LIGHTNING),
    "reasons": [{"code": "foreign_class", "sentence": SAID, "remedy": "Save the weights.", "member": "data.pkl", "offset": 7}],
    "facts": {
        **ACCEPTED["facts"],
        "taken_from": "state_dict",
        "left_out": ["optimizer_states", "epoch"],
        "left_out_count": 2,
        "buffers": 12,
        "layers": [{"name": "backbone.0", "type": "Conv2d"}],
        "tied": [["a.weight", "b.weight"]],
        "nan": 3,
        "inf": 0,
        "architecture": {"prefix": "backbone."},
    },
}


@pytest.fixture
def salvaged(make_draft: Callable[..., Any], inspect: Callable[..., Any], scientist: Any) -> Any:
    version = make_draft()
    services.submit(version, by=scientist)
    return inspect(version, SALVAGED)


def test_it_is_opened_to_its_reviewers_and_measured(salvaged: Any, measure: Any, story: Any) -> None:
    assert (salvaged.state, EvaluationRun.objects.filter(version=salvaged).count()) == ("in_review", 1)
    assert "checkpoint.refused" not in story()
    measure(salvaged)
    approval = approval_of(salvaged, "production")
    assert approval.evidence_reasons == []  # only signatures are missing


def test_a_refused_one_is_not(make_draft: Any, inspect: Any, scientist: Any) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    assert inspect(version, REFUSED).state == "rejected"


def test_the_page_and_the_api_say_what_was_left_out(salvaged: Any, client_of: Any, api_of: Any, validator: Any) -> None:
    page = client_of(validator).get(f"/versions/{salvaged.pk}/evidence/").content.decode()
    for words in (
        "Salvageable", "nothing else in it was loaded, imported or run", SAID, "optimizer_states", "backbone.",
        "Conv2d", "a.weight", "Buffers", "3 not a number, 0 infinite", "Lightning checkpoint",
    ):  # fmt: skip
        assert words in page, words
    overview = client_of(validator).get(f"/versions/{salvaged.pk}/").content.decode()
    assert "Salvageable" in overview
    found = api_of(validator, "read").get(f"/api/v1/versions/{salvaged.pk}/").json()["inspection"]
    assert (found["verdict"], found["facts"]["left_out"]) == ("salvageable", ["optimizer_states", "epoch"])
    assert found["reasons"][0]["sentence"] == SAID
