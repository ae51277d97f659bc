"""A live approval is looked at anew beside itself: it holds on until the review concludes, and never longer than it may."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from core import clock
from core.errors import NotAllowed, WrongState
from governance import gate, policies, services, tasks
from governance.approvals import approval_of, approval_sought
from governance.looking_anew import GRACE, notice_of
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


def test_the_owner_and_the_submitter_sign_neither_this_review(
    live: Any, frozen_clock: Any, scientist: Any, make_person: Any, team: Any, validator: Any
) -> None:
    owner = make_person("Owner", ("validator", team))
    type(live.model).objects.filter(pk=live.model_id).update(owner=owner)
    frozen_clock.set(live.reviews.get().remind_at)
    tasks.fall_due()
    made = again(Review.objects.get(renews__isnull=False))
    assert made.opened_by == owner
    assert can_sign_off(owner, made, "validator").code == "own_model"
    assert can_sign_off(scientist, made, "validator").code == "own_submission"
    assert [Review.objects.signable_by(one).filter(pk=made.pk).exists() for one in (owner, scientist, validator)] == [
        *(False, False, True)
    ]


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
    people = {one.person for one in letters if one.kind == "reminder"}
    assert {officer, under_way.version.model.owner} <= people and validator not in people
    assert "The approval soon ends" in letters[0].says


def test_whoever_may_not_sign_is_refused_in_it_as_in_any_review(under_way: Any, scientist: Any) -> None:
    with pytest.raises(NotAllowed):
        services.sign_off(under_way, by=scientist, role="validator", verdict="approve", password=PASSWORD, seen=under_way.digest)


# -- while another review is open ----------------------------------------------------------------------------------------------


def raise_the_tier(version: Any) -> None:
    type(version.model).objects.filter(pk=version.model_id).update(risk_tier="high")


@pytest.fixture
def low(make_model: Any, make_review: Any, sign: Any, risk_manager: Any) -> Any:
    """A version of low risk that is approved and live in production, without an end."""
    review = make_review(model=make_model(tier="low"))
    sign(review, "compliance_officer")
    services.release(again(review.version), environment=PRODUCTION, by=risk_manager)
    return again(review.version)


def test_a_review_for_another_environment_leaves_a_material_change_its_time(
    low: Any, scientist: Any, frozen_clock: Any, story: Any
) -> None:
    earlier = low.reviews.get()
    staging = services.ask_for_new_review(low, by=scientist, environment=STAGING)
    raise_the_tier(low)
    before = len(story())
    tasks.fall_due()
    tasks.fall_due()
    ends = again(earlier).valid_until
    assert ends == frozen_clock.now + GRACE and again(staging).state == "open"
    assert story()[before:] == ["approval.ends_sooner", "approval.ends_soon"]
    assert stands(low) == ("in_review", True, True)
    frozen_clock.set(ends)
    assert not approval_of(again(low), PRODUCTION).holds, "before the clock has looked"
    tasks.fall_due()
    assert stands(low) == ("in_review", False, False)


def test_once_the_review_for_another_environment_is_decided_the_material_change_opens_its_own(
    low: Any, scientist: Any, sign: Any, frozen_clock: Any
) -> None:
    earlier = low.reviews.get()
    staging = services.ask_for_new_review(low, by=scientist, environment=STAGING)
    raise_the_tier(low)
    tasks.fall_due()
    ends = again(earlier).valid_until
    frozen_clock.advance(days=3)
    for role in staging.steps.filter(applies=True).values_list("role", flat=True):
        sign(staging, role)
    tasks.fall_due()
    made = Review.objects.get(renews=earlier)
    assert made.earlier_holds_until == ends, "the time goes on from the change"


def test_a_stricter_policy_is_not_passed_over_while_staging_is_under_review(live: Any, scientist: Any, frozen_clock: Any) -> None:
    earlier = live.reviews.get()
    services.ask_for_new_review(live, by=scientist, environment=STAGING)
    stricter()
    tasks.fall_due()
    assert again(earlier).valid_until == frozen_clock.now + GRACE
    assert again(earlier).held_against is None, "its own review is still to come"


def test_a_material_change_shortens_the_time_of_a_periodic_review(early: Any, frozen_clock: Any, story: Any) -> None:
    made = Review.objects.get(renews__isnull=False)
    assert made.cause == "periodic" and made.earlier_holds_until > frozen_clock.now + GRACE
    stricter()
    before = len(story())
    tasks.fall_due()
    tasks.fall_due()
    made = again(made)
    assert (made.cause, made.earlier_holds_until) == ("policy", frozen_clock.now + GRACE)
    assert story()[before:] == ["approval.looked_at_anew"]
    frozen_clock.set(made.earlier_holds_until)
    tasks.fall_due()
    assert stands(made.version) == ("suspended", False, False)


@pytest.fixture
def early(live: Any, frozen_clock: Any) -> Any:
    """A periodic review that is opened long before the end."""
    Review.objects.filter(pk=live.reviews.get().pk).update(remind_at=clock.now())
    tasks.fall_due()
    return live


def test_a_worker_that_dies_before_the_review_is_open_passes_nothing_over(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stricter()

    def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(looking_anew, "open_review", dies)
        looking_anew.open_for_material_changes()
    looking_anew.open_for_material_changes()
    assert Review.objects.filter(cause="policy").exists()


# -- conditions, signatures ----------------------------------------------------------------------------------------------------


def test_conditions_of_another_environment_stay_open_when_one_is_renewed(
    live: Any, scientist: Any, sign: Any, frozen_clock: Any, validator: Any, officer: Any
) -> None:
    staging = services.ask_for_new_review(live, by=scientist, environment=STAGING)
    sign(staging, "validator")
    due = clock.today() + timedelta(days=20)
    sign(staging, "compliance_officer", "approve_with_conditions", conditions=[Wanted("Measure zeros.", scientist, due)])
    assert again(live).state == "approved_with_conditions"
    Review.objects.filter(pk=live.reviews.get(environment=PRODUCTION).pk).update(remind_at=clock.now())
    looking_anew.open_periodic_reviews()
    made = Review.objects.get(renews__isnull=False)
    for role in ("validator", "compliance_officer"):
        sign(made, role)
    assert (again(made).outcome, stands(live)) == ("approved", ("approved_with_conditions", True, True))
    condition = approval_of(again(live), STAGING).conditions[0]
    services.report_condition(condition, by=scientist, report="Done.")
    services.answer_condition(condition, by=officer, met=True, password=PASSWORD)
    assert again(live).state == "approved"


def test_what_is_signed_beside_is_not_shown_as_stale_in_the_approval_that_decides(under_way: Any, sign: Any) -> None:
    sign(under_way, "validator")
    found = approval_of(again(under_way.version), PRODUCTION)
    assert found.review != under_way and found.stale == []


def test_a_grave_finding_is_not_told_as_if_the_approval_held(
    live: Any, validator: Any, frozen_clock: Any, client_of: Any, officer: Any
) -> None:
    frozen_clock.advance(minutes=1)
    services.raise_finding(
        live, by=validator, title="Zeros", severity="high", source="review", due_on=date(2030, 1, 1), owner=live.model.owner
    )
    tasks.fall_due()
    made = Review.objects.get(cause="finding")
    assert "The approval does not hold any more; without a decision by" in notice_of(made)
    page = client_of(officer).get(made.get_absolute_url()).content.decode()
    assert "The version is live although its approval does not hold any more." in page
    assert "The version is approved while" not in page


def test_the_submitter_is_not_offered_to_withdraw_what_is_approved(under_way: Any, client_of: Any, scientist: Any) -> None:
    assert "Withdraw this version" not in client_of(scientist).get(under_way.get_absolute_url()).content.decode()


def test_whose_signature_it_waits_for_is_mailed_of_it(under_way: Any, validator: Any) -> None:
    letters = letters_of(Entry.objects.get(type="approval.looked_at_anew"))
    mine = [one for one in letters if one.person == validator]
    assert [(one.kind, one.about) for one in mine] == [("assignment", str(under_way.pk))]


def test_the_reminder_of_what_is_live_says_that_its_review_comes_by_itself(under_way: Any) -> None:
    letters = letters_of(Entry.objects.get(type="approval.ends_soon"))
    assert letters and all("opened beside it by itself" in one.says for one in letters)
