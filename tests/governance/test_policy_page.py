"""The page of policies: what each tier asks for now, with what blocks and what only informs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from governance import policies
from governance.models import Policy
from ledger.actors import INSTALLER
from tests.governance.earlier import earlier_body

pytestmark = pytest.mark.django_db


def test_everybody_reads_what_each_tier_asks_for(stranger: Any, client_of: Any) -> None:
    page = client_of(stranger).get("/policies/").content.decode()
    assert page.index("minimal-risk 1") < page.index("limited-risk 1") < page.index("high-risk 1")
    assert "Accuracy, at least 95" in page and "Recall" in page
    assert "Compliance officer" in page and "where personal data reach the version" in page
    assert "How good the answers are" in page, "what a check measures, in the engine's own words"


def test_a_check_without_a_threshold_informs_and_one_with_blocks(stranger: Any, client_of: Any) -> None:
    body = copy.deepcopy(policies.starting_body("low"))
    one = body["evaluations"]["suites"]["multiclass"] | {"checks": [{"name": "performance", "top_k": [5]}, {"name": "resources"}]}
    body["evaluations"]["suites"] = {"multiclass": one}
    policies.publish(by=INSTALLER, body=body | {"name": "mine"})
    page = client_of(stranger).get("/policies/").content.decode()
    low = page[page.index("policy-low") : page.index("policy-medium")]
    assert "mine 1" in low and "minimal-risk" not in low
    assert low.count("Blocks</") + low.count("Informs</") >= 2 and "top_k = [5]" in low


def test_a_policy_of_the_earlier_shape_is_shown_with_its_one_suite(stranger: Any, client_of: Any) -> None:
    line = {"check": "performance", "metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.5}
    old = {
        **earlier_body("high"),
        "suite": {"name": "classification", "checks": [{"name": "performance"}, {"name": "gone"}]},
    }
    del old["suites"]
    Policy.objects.create(
        name="old", number=1, risk_tier="high", body=old | {"thresholds": [line]}, digest="sha256:" + "0" * 64,
        state="published", published_at="2099-01-01T00:00:00Z",
    )  # fmt: skip
    page = client_of(stranger).get("/policies/").content.decode()
    assert "Every task" in page and "This version does not have this check" in page
