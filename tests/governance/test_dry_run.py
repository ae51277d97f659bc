"""What a policy would take down, said before it is published: why, sentence by sentence, at a constant number of queries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from governance import policies, services
from governance.documents import Document
from governance.documents.checking import checked
from governance.dry_run import dry_run
from governance.services.conditions import Wanted
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db


def of(**change: Any) -> Document:
    return checked(policies.starting_body("high") | change)


def limited(limit: float, metric: str = "accuracy") -> Document:
    body = policies.starting_body("high")
    line = {"check": "performance", "metric": metric, "label": "", "bound": "lower", "minimum": limit}
    body["evaluations"]["suites"]["multiclass"] |= {"thresholds": [line]}
    return checked(body)


def test_under_an_unchanged_policy_nothing_falls_out(make_approved: Any) -> None:
    make_approved()
    found = dry_run(of())
    assert (found.looked_at, found.falling, found.unclear, found.staying) == (1, [], [], 1)


def test_a_signature_under_conditions_counts_and_one_that_was_taken_back_does_not(
    make_review: Any, sign: Any, scientist: Any, validator: Any
) -> None:
    review = make_review()
    for number in range(2):
        wanted = [Wanted("Measure dark images.", scientist, clock.today() + timedelta(days=9))]
        signed = sign(review, "validator", "approve_with_conditions", conditions=wanted)
        if not number:
            services.withdraw_signature(signed, by=validator, password=PASSWORD)
    sign(review, "compliance_officer")
    found = dry_run(of())
    assert (found.looked_at, found.falling) == (1, [])


def test_a_tighter_limit_takes_down_what_was_measured_below_it(make_approved: Any, risk_manager: Any) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    (one,) = dry_run(limited(0.999)).falling
    assert (one.version, one.live, one.policy) == (version.pk, True, "high-risk 1")
    assert "Accuracy" in one.reasons[0] and one.reasons[0].startswith("digits v1: ")
    (one,) = dry_run(limited(0.5, "matthews")).falling
    assert len(one.reasons) == 1, "what was never measured falls out too"


def test_another_signature_a_shorter_validity_and_a_fuller_card_are_named(
    make_approved: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_approved()
    step = {"role": "risk_manager", "meaning": "approved", "quorum": 2}
    more = of(
        steps=[*policies.starting_body("high")["steps"], step],
        valid_days=10,
        requirements=[
            {"kind": "card_sections", "sections": ["contact"]},
            {"kind": "provenance", "fields": ["use.consents"]},
            {"kind": "data_validation"},
        ],
    )
    later = clock.now() + timedelta(days=11)
    monkeypatch.setattr("core.clock.now", lambda: later)
    (one,) = dry_run(more).falling
    told = " ".join(one.reasons)
    for says in ("2 signatures of the risk manager are missing.", "older than the 10 days", "The card says nothing under"):
        assert says in told
    assert one.open == ["Not looked into here: Validation of the data."]


def test_what_a_policy_does_not_cover_is_left_alone(make_approved: Any) -> None:
    make_approved()
    assert dry_run(of(covers={"tiers": ["low"], "environments": ["production"]})).looked_at == 0
    assert dry_run(of(covers={"tiers": ["high"], "environments": ["staging"]})).looked_at == 0


def test_verified_numbers_are_asked_of_what_was_measured(make_approved: Any) -> None:
    make_approved()
    body = policies.starting_body("high")
    (one,) = dry_run(checked(body | {"evaluations": body["evaluations"] | {"verified": True}})).falling
    assert any("hold-out" in reason for reason in one.reasons)


def test_a_dry_run_costs_as_many_queries_for_ten_versions_as_for_one(
    make_approved: Callable[..., Any], make_model: Any, make_data: Any
) -> None:
    document = of(
        requirements=[{"kind": "card_sections", "sections": ["contact"]}, {"kind": "provenance", "fields": ["use.consents"]}],
        evaluations=policies.starting_body("high")["evaluations"] | {"verified": True},
    )
    data = make_data()

    def cost() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            found = dry_run(document)
        return len(queries), found.looked_at

    def approve(name: str) -> None:
        make_approved(model=make_model(name), data=data)

    approve("reader-0")
    few = cost()
    for number in range(1, 10):
        approve(f"reader-{number}")
    assert (few[1], cost()) == (1, (few[0], 10))
