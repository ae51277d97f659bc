"""A live approval is looked at anew beside itself: it holds on until the review concludes, and never longer than it may."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from core import clock
from core.errors import NotAllowed, WrongState
from governance import gate, policies, services, tasks
from governance.approvals import approval_of, approval_sought
from governance.looking_anew import GRACE
from governance.mail.telling import letters_of
from governance.models import PRODUCTION, STAGING, Finding, Release, Review
from governance.permissions import can_sign_off
from governance.services import looking_anew
from governance.services.conditions import Wanted
from ledger.models import Entry
from models_registry.models import Version
from tests.plugins_versions import CARD, PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    """A version that is approved and live in production."""
    version = make_approved()
    services.release(version, environment=PRODUCTION, by=risk_manager)
    return Version.objects.with_parts().get(pk=version.pk)


@pytest.fixture
def under_way(live: Any, frozen_clock: Any) -> Any:
    """The periodic review of a live version, opened by the clock."""
    frozen_clock.set(live.reviews.get().remind_at)
    tasks.fall_due()
    return Review.objects.with_parts().get(renews__isnull=False)


def again(row: Any) -> Any:
    return type(row).objects.with_parts().get(pk=row.pk)


def stands(version: Any) -> tuple[str, bool, bool]:
    """(state, the approval holds, it is live)"""
    version = again(version)
    approval = approval_of(version, PRODUCTION)
    return version.state, approval.holds, Release.objects.live().filter(version=version).exists()


def stricter(**change: Any) -> None:
    body = policies.starting_body("high")
    steps = [*body["steps"], {"role": "risk_manager", "meaning": "approved", "quorum": 1, "order": 3}]
    policies.publish(by=policies.INSTALLER, body=body | {"steps": steps} | change)


# -- periodic -----------------------------------------------------------------------------------------------------------------


def test_from_the_reminder_on_a_live_approval_is_reviewed_anew_once(
    live: Any, frozen_clock: Any, story: Any, scientist: Any
) -> None:
    earlier = live.reviews.get()
    frozen_clock.set(earlier.remind_at - timedelta(seconds=1))
    tasks.fall_due()
    assert not Review.objects.open().exists()
    frozen_clock.set(earlier.remind_at)
    before = len(story())
    tasks.fall_due()
    tasks.fall_due()
    made = Review.objects.get(renews=earlier)
    told = [one for one in story()[before:] if one.startswith(("review", "approval"))]
    assert told == ["approval.ends_soon", "review.opened", "approval.looked_at_anew"]
    assert (made.cause, made.environment, made.opened_by) == ("periodic", PRODUCTION, live.model.owner)
    assert made.earlier_holds_until == earlier.valid_until
    assert made.digest == approval_sought(made).digest != approval_of(live, PRODUCTION).digest
    assert stands(live) == ("approved", True, True)
    assert approval_of(live, PRODUCTION).under_way == made


def test_what_is_not_live_is_not_reviewed_by_itself(make_approved: Any, frozen_clock: Any) -> None:
    version = make_approved()
    frozen_clock.set(version.reviews.get().remind_at)
    tasks.fall_due()
    assert not Review.objects.open().exists()


def test_it_is_judged_by_the_policy_in_force_now(live: Any, frozen_clock: Any) -> None:
    frozen_clock.set(live.reviews.get().remind_at)
    stricter()
    looking_anew.open_periodic_reviews()
    made = Review.objects.get(renews__isnull=False)
    assert made.policy.number == 2 and set(made.steps.values_list("role", flat=True)) >= {"risk_manager"}
    assert stands(live) == ("approved", True, True), "the earlier approval keeps its own policy"


def test_the_owner_and_the_submitter_sign_neither_this_review(under_way: Any, scientist: Any, officer: Any) -> None:

    Version.objects.filter(pk=under_way.version_id).update(created_by=officer)
    assert can_sign_off(again(under_way).version.model.owner, again(under_way), "validator").code in {
        "own_submission",
        "own_model",
    }
    assert can_sign_off(scientist, again(under_way), "validator").code in {"own_submission", "own_work", "own_model"}


def test_approved_anew_it_takes_over_without_a_gap(under_way: Any, sign: Any, frozen_clock: Any, story: Any) -> None:
    version, earlier = under_way.version, under_way.renews
    sign(under_way, "validator")
    assert stands(version) == ("approved", True, True), "one signature is not enough, and the earlier approval holds on"
    before = len(story())
    sign(under_way, "compliance_officer")
    assert story()[before:] == ["sign_off.given", "review.concluded", "version.approved"]
    assert stands(version) == ("approved", True, True)
    found = approval_of(again(version), PRODUCTION)
    assert (found.review, found.under_way) == (under_way, None)
    frozen_clock.set(earlier.valid_until + timedelta(days=1))
    tasks.fall_due()
    assert stands(version) == ("approved", True, True), "the end of the earlier one ends nothing"
    assert Review.objects.get(pk=under_way.pk).valid_until > earlier.valid_until


@pytest.mark.parametrize("verdict", ["reject", "request_changes"])
def test_found_wanting_it_is_suspended_at_once(verdict: str, under_way: Any, sign: Any, story: Any) -> None:
    before = len(story())
    sign(under_way, "validator", verdict)
    assert stands(under_way.version) == ("suspended", False, False)
    assert {"review.concluded", "version.suspended", "release.revoked"} <= set(story()[before:])
    assert not Review.objects.open().exists()


def test_not_concluded_by_the_end_it_expires_and_is_suspended(under_way: Any, sign: Any, frozen_clock: Any) -> None:
    sign(under_way, "validator")
    frozen_clock.set(under_way.renews.valid_until)
    assert not approval_of(again(under_way.version), PRODUCTION).holds, "before the clock has looked"
    tasks.fall_due()
    assert stands(under_way.version) == ("suspended", False, False)
    assert (again(under_way).state, again(under_way).outcome) == ("concluded", "suspended")
    assert not Review.objects.open().exists(), "the way back is a new review"


def test_the_signatures_of_the_earlier_review_do_not_count_in_the_new_one(under_way: Any) -> None:
    found = approval_sought(under_way)
    assert not found.holds and all(not one.counted and not one.stale for one in found.steps)
    assert "The signature of the validator is missing." in found.reasons


def test_a_suspension_ends_the_review_beside(under_way: Any, officer: Any, scientist: Any) -> None:
    services.order_suspension(under_way.version, by=officer, reason="It was agreed.", password=PASSWORD)
    assert again(under_way).outcome == "suspended" and stands(under_way.version) == ("suspended", False, False)
    services.ask_for_new_review(again(under_way.version), by=scientist, environment=PRODUCTION)


def test_nobody_opens_a_second_review_beside_it(under_way: Any, scientist: Any) -> None:
    with pytest.raises(WrongState, match="under review already"):
        services.ask_for_new_review(under_way.version, by=scientist, environment=STAGING)
    assert looking_anew.open_anew(under_way.renews, cause="periodic") is None


def test_another_card_makes_the_review_the_one_that_decides(under_way: Any, sign: Any, scientist: Any) -> None:
    services.revise_card(under_way.version, dict(CARD) | {"limitations": "Others."}, by=scientist)
    assert stands(under_way.version) == ("in_review", False, True), "as after any change of an approved version"
    services.revise_card(again(under_way.version), dict(CARD), by=scientist)
    assert not approval_of(again(under_way.version), PRODUCTION).holds, "what was signed does not come back with the old words"
    for role in ("validator", "compliance_officer"):
        sign(again(under_way), role)
    assert stands(under_way.version)[:2] == ("approved", True)


def test_conditions_of_the_new_approval_are_those_that_count(under_way: Any, sign: Any, scientist: Any) -> None:
    due = clock.today() + timedelta(days=9)
    sign(under_way, "validator")
    wanted = [Wanted("Measure zeros.", scientist, due)]
    sign(under_way, "compliance_officer", "approve_with_conditions", conditions=wanted)
    assert stands(under_way.version) == ("approved_with_conditions", True, True)
    assert len(approval_of(again(under_way.version), PRODUCTION).conditions) == 1


def test_the_gate_goes_on_and_certifies_no_longer_than_the_approval_holds(live: Any, frozen_clock: Any, scientist: Any) -> None:
    stricter()
    tasks.fall_due()
    found = gate.answer(live.checkpoint_digest, PRODUCTION, asked_by=scientist)
    assert found.allowed and found.attestation is not None
    assert found.attestation.holds_until == Review.objects.get(renews__isnull=False).earlier_holds_until


# -- material change ----------------------------------------------------------------------------------------------------------


def test_a_stricter_policy_opens_a_review_and_leaves_a_time(live: Any, frozen_clock: Any, story: Any) -> None:
    stricter()
    tasks.fall_due()
    made = Review.objects.get(renews__isnull=False)
    assert (made.cause, made.policy.number) == ("policy", 2)
    assert made.earlier_holds_until == frozen_clock.now + GRACE
    assert stands(live) == ("approved", True, True)
    frozen_clock.set(made.earlier_holds_until)
    assert not approval_of(again(live), PRODUCTION).holds, "before the clock has looked"
    tasks.fall_due()
    assert stands(live) == ("suspended", False, False) and "version.suspended" in story()
    assert again(made).outcome == "suspended" and not Review.objects.open().exists()


def test_a_policy_under_which_it_would_be_approved_as_it_is_opens_none(live: Any, django_assert_max_num_queries: Any) -> None:
    policies.publish(by=policies.INSTALLER, body=policies.starting_body("high"))
    tasks.fall_due()
    assert not Review.objects.open().exists()
    with django_assert_max_num_queries(8):  # it is not held against the same policy again
        looking_anew.open_for_material_changes()


def test_a_higher_risk_tier_opens_a_review_under_the_policy_for_it(
    make_model: Any, make_review: Any, sign: Any, risk_manager: Any, frozen_clock: Any
) -> None:
    review = make_review(model=make_model(tier="low"))
    sign(review, "compliance_officer")
    services.release(again(review.version), environment=PRODUCTION, by=risk_manager)
    tasks.fall_due()
    assert not Review.objects.open().exists()
    type(review.version.model).objects.filter(pk=review.version.model_id).update(risk_tier="high")
    tasks.fall_due()
    made = Review.objects.get(renews=review)
    assert (made.cause, made.policy.name) == ("risk_tier", "high-risk")
    assert stands(review.version) == ("approved", True, True)


@pytest.mark.parametrize(("severity", "opens"), [("high", True), ("medium", False)])
def test_a_grave_finding_opens_a_review(severity: str, opens: bool, live: Any, validator: Any, frozen_clock: Any) -> None:
    frozen_clock.advance(minutes=1)
    services.raise_finding(
        live, by=validator, title="Zeros", severity=severity, source="review", due_on=date(2030, 1, 1), owner=live.model.owner
    )
    tasks.fall_due()
    assert Review.objects.filter(cause="finding").exists() == opens
    assert not approval_of(again(live), PRODUCTION).holds, "a finding makes what was signed before stale, as ever"


def test_a_critical_finding_suspends_and_opens_none(live: Any, validator: Any, frozen_clock: Any) -> None:
    frozen_clock.advance(minutes=1)
    services.raise_finding(
        live, by=validator, title="Zeros", severity="critical", source="review", due_on=date(2030, 1, 1), owner=live.model.owner
    )
    tasks.fall_due()
    assert Finding.objects.count() == 1 and not Review.objects.open().exists()
    assert stands(live) == ("suspended", False, False)


# -- told ---------------------------------------------------------------------------------------------------------------------


def test_it_is_told_on_the_pages_and_over_the_api(
    under_way: Any, client_of: Any, api_of: Any, officer: Any, validator: Any, auditor: Any
) -> None:
    version = under_way.version
    page = client_of(officer).get(version.get_absolute_url()).content.decode()
    assert "A review is under way beside the approval." in page and under_way.get_absolute_url() in page
    assert page.count("The approval soon ends, so it is reviewed anew.") == 2, "at the top and beside the gate"
    assert "reviewed anew" in client_of(officer).get(under_way.get_absolute_url()).content.decode()
    owner = version.model.owner
    for person, sees in ((officer, True), (owner, True), (auditor, False)):
        assert ("Approvals looked at anew" in client_of(person).get("/").content.decode()) == sees, person
    told = api_of(auditor).get(f"/api/v1/versions/{version.pk}/approval/").json()
    assert told["holds"] and told["under_way"] == str(under_way.pk) and "reviewed anew" in told["notice"]
    read = api_of(validator).get(f"/api/v1/reviews/{under_way.pk}/").json()
    assert read["you_may_sign_as"] == ["validator"] and (read["cause"], read["approval"]["holds"]) == ("periodic", False)


def test_the_owner_and_the_officers_are_mailed_of_it(under_way: Any, officer: Any, validator: Any) -> None:
    letters = letters_of(Entry.objects.get(type="approval.looked_at_anew"))
    people = {one.person for one in letters}
    assert {officer, under_way.version.model.owner} <= people and validator not in people
    assert "The approval soon ends" in letters[0].says


def test_whoever_may_not_sign_is_refused_in_it_as_in_any_review(under_way: Any, scientist: Any) -> None:
    with pytest.raises(NotAllowed):
        services.sign_off(under_way, by=scientist, role="validator", verdict="approve", password=PASSWORD, seen=under_way.digest)
