"""Submitting, releasing, the gate and rolling back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.errors import InvalidInput, NotAllowed, WrongState
from data_registry.services import record_finding
from governance import gate, policies, services
from governance.approvals import approval_of
from governance.going_back import targets
from governance.models import Policy, Release, Review
from ledger.actors import CLOCK, INSTALLER
from ledger.models import Event
from models_registry.models import Version
from tests.plugins_versions import REFUSED, measured

pytestmark = pytest.mark.django_db


def test_submitting_fixes_the_parts_pins_the_policy_and_asks_for_an_inspection(
    make_draft: Any, scientist: Any, story: Any
) -> None:
    version = make_draft()
    before = len(story())
    review = services.submit(version, by=scientist)
    assert story()[before:] == ["version.submitted", "inspection.queued", "review.opened"]
    assert review.policy == policies.in_force("high")
    assert Version.objects.get(pk=version.pk).state == "submitted"


def test_a_draft_with_gaps_is_refused_and_every_gap_is_named(make_draft: Any, scientist: Any) -> None:
    version = make_draft(card={"overview": "[More Information Needed]"})
    with pytest.raises(InvalidInput) as refusal:
        services.submit(version, by=scientist)
    assert {"Overview", "Intended use", "Limitations"} <= {
        word for word in str(refusal.value).split("“") for word in [word.split("”")[0]]
    }


def test_a_submitted_versions_bytes_are_fixed(make_draft: Any, scientist: Any) -> None:
    from models_registry.services import receive_checkpoint  # noqa: PLC0415 - only this test sends

    version = make_draft()
    services.submit(version, by=scientist)
    version.refresh_from_db()
    with pytest.raises(WrongState, match="fixed"):
        receive_checkpoint(version, [b"others"], name="x", by=scientist)


def test_refused_bytes_reject_the_version_and_end_its_review(make_draft: Any, inspect: Any, scientist: Any, story: Any) -> None:
    version = make_draft()
    review = services.submit(version, by=scientist)
    inspect(version, REFUSED)
    version.refresh_from_db()
    review.refresh_from_db()
    assert (version.state, review.state, review.outcome) == ("rejected", "concluded", "rejected")
    refused = Event.objects.get(type="checkpoint.refused")
    assert refused.data["found"] == ["The pickle names posix.system."]
    assert "evaluation.queued" not in story()


def test_a_policy_published_later_does_not_reach_an_open_review(make_review: Any) -> None:
    review = make_review()
    body = policies.starting_body("high") | {"valid_days": 1}
    policies.publish(by=INSTALLER, body=body)
    assert Review.objects.get(pk=review.pk).policy == review.policy
    assert policies.in_force("high").number == review.policy.number + 1


def test_the_database_refuses_to_change_a_published_policy() -> None:
    assert Policy.objects.filter(state="published").exists()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE governance_policy SET body = '{}'")


def test_a_policy_asks_only_roles_that_sign() -> None:
    body = policies.starting_body("high")
    body["steps"][0]["role"] = "administrator"
    with pytest.raises(InvalidInput, match="not a role that signs"):
        policies.publish(by=INSTALLER, body=body | {"name": "mine"})


def test_a_threshold_that_cannot_be_judged_is_refused_when_the_policy_is_published() -> None:
    body = policies.starting_body("high")
    body["evaluations"]["suites"]["multiclass"]["thresholds"] = [
        {"check": "performance", "metric": "accuracy", "label": "", "bound": "point", "minimum": 0.9}
    ]
    with pytest.raises(InvalidInput):
        policies.publish(by=INSTALLER, body=body | {"name": "mine"})


def test_the_gate_answers_yes_only_for_an_approved_and_released_version(make_approved: Any, risk_manager: Any) -> None:
    version = make_approved()
    digest = version.checkpoint_digest
    assert not gate.answer(digest, "production", asked_by=risk_manager).allowed
    services.release(version, environment="production", by=risk_manager)
    assert gate.answer(digest, "production", asked_by=risk_manager).allowed
    assert not gate.answer(digest, "staging", asked_by=risk_manager).allowed
    assert not gate.answer("sha256:" + "0" * 64, "production", asked_by=risk_manager).allowed


def test_a_gate_answer_is_an_event_when_it_is_given_first_and_when_it_changes(make_approved: Any, risk_manager: Any) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    for _ in range(3):
        gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager)
    assert Event.objects.filter(type="gate.answered").count() == 1
    services.suspend(version, reason="test", by=CLOCK)
    answer = gate.answer(version.checkpoint_digest, "production", asked_by=risk_manager)
    assert not answer.allowed and "suspended" in answer.reasons[0]
    assert [event.data["allowed"] for event in Event.objects.filter(type="gate.answered").order_by("at")] == [True, False]


def test_the_gate_tells_a_stranger_nothing(make_approved: Any, risk_manager: Any, stranger: Any) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    answer = gate.answer(version.checkpoint_digest, "production", asked_by=stranger)
    assert (answer.allowed, answer.version) == (False, None)


def test_questions_about_unknown_bytes_are_counted_and_do_not_flood_the_log(risk_manager: Any) -> None:
    for number in range(12):
        gate.answer("sha256:" + f"{number:064x}", "production", asked_by=risk_manager)
    counted = [event.data["in_this_minute"] for event in Event.objects.filter(type="gate.asked_unknown")]
    assert sorted(counted) == [1, 10]


def test_only_a_risk_manager_who_did_not_contribute_releases(
    make_approved: Any, officer: Any, make_person: Any, team: Any
) -> None:
    version = make_approved()
    with pytest.raises(NotAllowed, match="Only a risk manager"):
        services.release(version, environment="production", by=officer)
    both = make_person("Both", ("data_scientist", team), ("risk_manager", team))
    own = make_approved(by=both)
    with pytest.raises(NotAllowed, match="You contributed"):
        services.release(own, environment="production", by=both)


def test_an_unapproved_version_is_not_released_and_every_reason_is_given(make_review: Any, risk_manager: Any) -> None:
    review = make_review(result=measured(recall=0.5))
    with pytest.raises(WrongState) as refusal:
        services.release(review.version, environment="production", by=risk_manager)
    assert len(refusal.value.facts["reasons"]) >= 3
    assert not Release.objects.exists()


def test_one_version_of_a_model_is_live_in_an_environment(make_approved: Any, risk_manager: Any) -> None:
    first, second = make_approved(), make_approved()
    services.release(first, environment="production", by=risk_manager)
    services.release(second, environment="production", by=risk_manager)
    assert list(Release.objects.order_by("released_at").values_list("version", "state")) == [
        (first.pk, "superseded"),
        (second.pk, "live"),
    ]


def test_rolling_back_makes_the_earlier_version_live_in_one_step(make_approved: Any, risk_manager: Any, story: Any) -> None:
    first, second = make_approved(), make_approved()
    services.release(first, environment="production", by=risk_manager)
    services.release(second, environment="production", by=risk_manager)
    before = len(story())
    made = services.roll_back(first.model, environment="production", by=risk_manager, reason="Worse on Mondays.")
    assert made.version == first
    assert story()[before:] == ["release.rolled_back", "release.made"]
    assert Release.objects.live().get().version_id == first.pk


def test_rolling_back_skips_versions_whose_approval_no_longer_holds(make_approved: Any, risk_manager: Any) -> None:
    first, second, third = make_approved(), make_approved(), make_approved()
    for version in (first, second, third):
        services.release(version, environment="production", by=risk_manager)
    services.suspend(second, reason="test", by=CLOCK)
    services.suspend(third, reason="test", by=CLOCK)
    assert services.roll_back(first.model, environment="production", by=risk_manager, reason="Alert.").version == first


def test_with_nothing_to_go_back_to_a_rollback_is_refused(make_approved: Any, risk_manager: Any) -> None:
    only = make_approved()
    services.release(only, environment="production", by=risk_manager)
    with pytest.raises(WrongState, match="No earlier version"):
        services.roll_back(only.model, environment="production", by=risk_manager, reason="Alert.")
    with pytest.raises(InvalidInput, match="Say why"):
        services.roll_back(only.model, environment="production", by=risk_manager, reason=" ")


def test_suspending_revokes_the_release_and_takes_the_approval_back(make_approved: Any, risk_manager: Any, story: Any) -> None:
    version = make_approved()
    services.release(version, environment="production", by=risk_manager)
    before = len(story())
    services.suspend(version, reason="drift", by=CLOCK)
    assert story()[before:] == ["version.suspended", "release.revoked"]
    assert not approval_of(version, "production").holds


def test_an_approval_ends_with_the_days_that_the_policy_gives_it(make_approved: Any, frozen_clock: Any) -> None:
    version = make_approved()
    assert approval_of(version, "production").holds
    frozen_clock.advance(days=366)
    assert any("older than the 365 days" in reason for reason in approval_of(version, "production").reasons)


def test_withdrawing_ends_review_and_waiting_runs(make_draft: Any, inspect: Any, scientist: Any, other_scientist: Any) -> None:
    version = make_draft()
    review = services.submit(version, by=scientist)
    version = inspect(version)
    with pytest.raises(NotAllowed, match="Only the person"):
        services.withdraw(version, by=other_scientist)
    services.withdraw(version, by=scientist)
    review.refresh_from_db()
    assert (version.state, review.state) == ("withdrawn", "withdrawn")
    assert {run.state for run in version.evaluations.all()} == {"cancelled"}


def test_a_finding_of_no_personal_data_changes_nothing(make_approved: Any, make_data: Any, scientist: Any) -> None:
    digits = make_data()
    version = make_approved(data=digits)
    record_finding(digits, by=scientist, category="contact", present="no", column="pixels")
    assert approval_of(version, "production").holds


def test_the_page_says_where_a_rollback_leads_before_it_is_asked_for(
    make_approved: Any, risk_manager: Any, client_of: Any
) -> None:
    first, second = make_approved(), make_approved()
    services.release(first, environment="production", by=risk_manager)
    page = f"/models/{first.model_id}/"
    client = client_of(risk_manager)
    assert targets(first.model) == {"production": None}
    shown = client.get(page).content.decode()
    assert "Nothing to go back to in production" in shown
    assert "/rollback/" not in shown
    services.release(second, environment="production", by=risk_manager)
    assert targets(first.model) == {"production": first}
    shown = client.get(page).content.decode().partition('id="roll-back"')[2]
    assert f'<a href="/versions/{first.pk}/">{first}</a>' in shown
    assert "/rollback/" in shown
    assert 'value="staging"' not in shown
    services.roll_back(first.model, environment="production", by=risk_manager, reason="Worse on Mondays.")
    assert targets(first.model) == {"production": None}  # nobody goes forward again to what was rolled back
    assert client.post(f"/models/{first.model_id}/rollback/", {"environment": "production", "reason": "x"}).status_code == 303
    assert Release.objects.live().get().version_id == first.pk
