"""A role that signs, lent: offered in writing, accepted, used, and ended; and every bar that holds for either of the two."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Membership
from accounts.services import ProofFailed, deactivate_person, erase_person, grant_role, revoke_role
from core import clock
from core.canonical import sha256_of
from core.errors import DomainError, InvalidInput, NotAllowed, WrongState
from governance import due, lifecycle, services
from governance.approvals import approval_of
from governance.documents.checking import checked
from governance.models import Delegation, Policy, Review, SignOff, Step
from governance.models.delegation import MOST_DAYS
from governance.permissions import can_sign_off, capacities
from governance.policies import fact_of, starting_body
from governance.services.conditions import Wanted
from ledger.actors import INSTALLER
from ledger.acts import act
from ledger.models import PrivateValue
from models_registry.models import RegisteredModel, Version
from tests.plugins_versions import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def stand_in(make_person: Any, team: Any) -> Any:
    """Holds a role in the team that signs nothing here."""
    return make_person("Stan Standin", ("risk_manager", team))


def code_of(deed: Any) -> str:
    with pytest.raises(DomainError) as refusal:
        deed()
    assert str(refusal.value).strip()
    return refusal.value.code


def fresh(review: Any) -> Any:
    return Review.objects.with_parts().get(pk=review.pk)


def signable(person: Any) -> list[Any]:
    return list(Review.objects.visible_to(person).signable_by(person))


# -- offered and accepted ---------------------------------------------------------------------------------------------------


def test_a_delegation_is_offered_accepted_and_signed_by(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, story: Any
) -> None:
    review = make_review()
    before = len(story())
    row = lend(validator, stand_in)
    signed = sign(review, "validator", by=stand_in, delegation=row)
    sign(review, "compliance_officer")
    assert (signed.person, signed.on_behalf_of, signed.delegation) == (stand_in.pk, validator.pk, row)
    assert Version.objects.get(pk=review.version_id).state == "approved"
    told = story()[before:]
    assert told[:3] == ["delegation.offered", "delegation.accepted", "sign_off.given"]


def test_nothing_is_signed_by_a_delegation_before_it_is_accepted_before_it_begins_or_after_its_end(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, frozen_clock: Any
) -> None:
    review = make_review()
    row = lend(validator, stand_in, starts_in=5, days=2, accepted=False)
    for days in (0, 5):
        frozen_clock.advance(days=days)
        assert code_of(lambda: sign(review, "validator", by=stand_in, delegation=row)) == "delegation_not_in_force"
    services.accept_delegation(row, by=stand_in, password=PASSWORD)
    assert signable(stand_in) == [review]
    frozen_clock.advance(days=1)  # its last day
    assert signable(stand_in) == [review]
    frozen_clock.advance(days=1)
    assert code_of(lambda: sign(review, "validator", by=stand_in, delegation=row)) == "delegation_not_in_force"
    assert signable(stand_in) == []


def test_accepted_early_it_begins_on_its_first_day(
    make_review: Any, lend: Any, validator: Any, stand_in: Any, frozen_clock: Any
) -> None:
    review = make_review()
    row = lend(validator, stand_in, starts_in=5)
    assert (row.shown_state, signable(stand_in)) == ("to_come", [])
    frozen_clock.advance(days=5)
    assert (Delegation.objects.get().shown_state, signable(stand_in)) == ("in_force", [review])


def test_only_whoever_it_is_offered_to_accepts_it_and_only_with_proof(
    lend: Any, validator: Any, officer: Any, stand_in: Any
) -> None:
    row = lend(validator, stand_in, accepted=False)
    for person in (validator, officer):
        assert code_of(lambda person=person: services.accept_delegation(row, by=person, password=PASSWORD)) == "not_yours"
        assert code_of(lambda person=person: services.decline_delegation(row, by=person)) == "not_yours"
    with pytest.raises(ProofFailed):
        services.accept_delegation(row, by=stand_in, password="not it")
    with pytest.raises(ProofFailed):
        services.offer_delegation(officer, by=validator, **_said(role="validator", team=row.team, password="not it"))
    assert Delegation.objects.get().state == "offered"


def _said(**more: Any) -> dict[str, Any]:
    today = clock.today()
    said = {"starts_on": today, "ends_on": today + timedelta(days=5), "reason": "On leave.", "password": PASSWORD}
    return said | more


def test_whoever_accepts_has_accepted_that_signatures_bind(lend: Any, validator: Any, make_person: Any, team: Any) -> None:
    new = make_person("Nora New", ("auditor", team), accepted=False)
    row = lend(validator, new, accepted=False)
    assert code_of(lambda: services.accept_delegation(row, by=new, password=PASSWORD)) == "accountability_needed"
    assert services.accept_delegation(row, by=new, password=PASSWORD, accept=True).state == "accepted"


def test_what_was_declined_or_ended_is_not_accepted_afterwards(lend: Any, validator: Any, stand_in: Any, officer: Any) -> None:
    declined = services.decline_delegation(lend(validator, stand_in, accepted=False), by=stand_in)
    ended = services.end_delegation(lend(validator, stand_in, accepted=False), by=validator)
    for row in (declined, ended):
        with pytest.raises(WrongState):
            services.accept_delegation(row, by=stand_in, password=PASSWORD)
    assert code_of(lambda: services.end_delegation(lend(validator, stand_in), by=officer)) == "not_yours"


@pytest.mark.parametrize("side", ["validator", "stand_in"])
def test_either_side_ends_it_at_any_time_and_what_was_signed_stays(
    side: str, make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, request: pytest.FixtureRequest, story: Any
) -> None:
    row, first, second = lend(validator, stand_in), make_review(), make_review()
    sign(first, "validator", by=stand_in, delegation=row)
    services.end_delegation(row, by=request.getfixturevalue(side))
    assert story()[-1] == "delegation.ended"
    assert code_of(lambda: sign(second, "validator", by=stand_in, delegation=row)) == "delegation_not_in_force"
    assert [step.met for step in approval_of(fresh(first).version, "production").steps if step.step.role == "validator"] == [True]


def test_it_ends_by_itself_and_the_clock_records_it_once(
    lend: Any, validator: Any, stand_in: Any, frozen_clock: Any, story: Any
) -> None:
    accepted, offered = lend(validator, stand_in, days=3), lend(validator, stand_in, starts_in=10, days=3, accepted=False)
    frozen_clock.advance(days=3)
    assert Delegation.objects.get(pk=accepted.pk).shown_state == "expired"
    for _turn in range(2):
        due.do_what_is_due()
    assert story()[-1] == "delegation.expired" and story().count("delegation.expired") == 1
    frozen_clock.advance(days=10)
    assert code_of(lambda: services.accept_delegation(offered, by=stand_in, password=PASSWORD)) == "delegation_over"
    due.do_what_is_due()
    assert set(Delegation.objects.values_list("state", flat=True)) == {"expired"}


# -- what is delegated, and to whom -----------------------------------------------------------------------------------------


def test_a_delegation_says_why_and_for_which_days(validator: Any, stand_in: Any, team: Any) -> None:
    today = clock.today()

    def offered(**more: Any) -> str:
        return code_of(lambda: services.offer_delegation(stand_in, by=validator, **_said(role="validator", team=team) | more))

    assert offered(reason="  ") == "reason_missing"
    assert offered(starts_on=today - timedelta(days=1)) == "first_day"
    assert offered(starts_on=today + timedelta(days=MOST_DAYS + 1)) == "first_day"
    assert offered(ends_on=today - timedelta(days=1)) == "last_day"
    assert offered(ends_on=today + timedelta(days=MOST_DAYS)) == "last_day"
    services.offer_delegation(
        stand_in, by=validator, **_said(role="validator", team=team, ends_on=today + timedelta(days=MOST_DAYS - 1))
    )
    assert offered() == "delegated_already"


def test_only_a_role_that_signs_and_that_one_holds_is_delegated(
    validator: Any, scientist: Any, admin: Any, stand_in: Any, team: Any, make_team: Any
) -> None:
    def offered(by: Any, role: str, where: Any) -> str:
        return code_of(lambda: services.offer_delegation(stand_in, by=by, **_said(role=role, team=where)))

    assert offered(validator, "compliance_officer", team) == "wrong_role"
    assert offered(validator, "validator", None) == "wrong_role"
    assert offered(validator, "validator", make_team("speech")) == "wrong_role"
    assert offered(scientist, "data_scientist", team) == "signs_nothing"
    assert offered(admin, "validator", team) == "administrator"


def test_nobody_delegates_to_themselves_to_an_administrator_or_to_somebody_who_sees_nothing(
    validator: Any, admin: Any, stranger: Any, make_person: Any, team: Any
) -> None:
    gone = make_person("Gone", ("risk_manager", team), is_active=False)
    told = {
        person.name: code_of(
            lambda person=person: services.offer_delegation(person, by=validator, **_said(role="validator", team=team))
        )
        for person in (validator, admin, stranger, gone)
    }
    assert list(told.values()) == ["to_oneself", "administrator", "not_in_sight", "inactive_person"]


def test_a_delegate_cannot_delegate_what_they_hold_by_delegation(
    lend: Any, validator: Any, stand_in: Any, officer: Any, team: Any
) -> None:
    lend(validator, stand_in)
    assert code_of(lambda: services.offer_delegation(officer, by=stand_in, **_said(role="validator", team=team))) == "passed_on"


def test_a_chain_of_delegations_signs_nothing(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, officer: Any, team: Any
) -> None:
    """Also where the middle one held the role when they lent it, and was left with the delegation alone."""
    review = make_review()
    Membership.objects.create(person=stand_in, role="validator", team=team)
    stand_in.forget_roles()
    onward = lend(stand_in, officer)
    lend(validator, stand_in)
    assert can_sign_off(officer, review, "validator", Delegation.objects.get(pk=onward.pk))
    Membership.objects.filter(person=stand_in, role="validator").delete()
    assert code_of(lambda: sign(review, "validator", by=officer, delegation=onward)) == "delegator_wrong_role"


# -- what the delegator holds when it is used -------------------------------------------------------------------------------


def test_a_role_that_is_taken_away_makes_the_delegation_worth_nothing(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, admin: Any, team: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)
    revoke_role(validator, by=admin, role="validator", team=team)
    assert code_of(lambda: sign(review, "validator", by=stand_in, delegation=row)) == "delegator_wrong_role"
    assert signable(stand_in) == []
    grant_role(validator, by=admin, role="validator", team=team)
    assert signable(stand_in) == [review]
    deactivate_person(validator, by=admin)
    assert code_of(lambda: sign(review, "validator", by=stand_in, delegation=row)) == "delegator_wrong_role"
    assert signable(stand_in) == []


def test_what_is_no_longer_held_is_not_accepted(lend: Any, validator: Any, stand_in: Any, admin: Any, team: Any) -> None:
    row = lend(validator, stand_in, accepted=False)
    revoke_role(validator, by=admin, role="validator", team=team)
    assert code_of(lambda: services.accept_delegation(row, by=stand_in, password=PASSWORD)) == "delegator_wrong_role"


def test_a_delegation_counts_for_its_role_its_team_and_its_delegate_alone(
    make_review: Any, lend: Any, sign: Any, make_person: Any, make_team: Any, stand_in: Any, team: Any, validator: Any
) -> None:
    review, speech = make_review(), make_team("speech")
    both = make_person("Both Teams", ("validator", team), ("validator", speech), ("compliance_officer", team))
    Membership.objects.create(person=stand_in, role="auditor", team=speech)
    stand_in.forget_roles()
    there = lend(both, stand_in, team=speech)
    assert code_of(lambda: sign(review, "validator", by=stand_in, delegation=there)) == "delegation_scope"
    here = lend(both, stand_in)
    assert code_of(lambda: sign(review, "compliance_officer", by=stand_in, delegation=here)) == "delegation_scope"
    assert code_of(lambda: sign(review, "validator", by=validator, delegation=here)) == "not_yours"
    assert sign(review, "validator", by=stand_in, delegation=here).team == team.pk


def test_a_role_held_everywhere_is_delegated_as_far_as_the_delegate_sees(
    make_review: Any, lend: Any, sign: Any, stand_in: Any, make_person: Any, make_team: Any
) -> None:
    review, house = make_review(), make_person("Hal House", ("validator", None))
    elsewhere = make_person("Elsa Where", ("auditor", make_team("speech")))
    for delegate in (elsewhere, stand_in):
        lend(house, delegate, team=None)
    unseen = Delegation.objects.get(delegate=elsewhere)
    assert code_of(lambda: sign(review, "validator", by=elsewhere, delegation=unseen)) == "not_in_sight"
    signed = sign(review, "validator", by=stand_in, delegation=Delegation.objects.get(delegate=stand_in))
    assert signed.team is None


# -- both people's bars -----------------------------------------------------------------------------------------------------


def barred(person: Any, bar: str, review: Any) -> None:
    """`person` is barred from signing `review` from now on."""
    if bar == "submitter":
        Version.objects.filter(pk=review.version_id).update(submitted_by=person)
        Review.objects.filter(pk=review.pk).update(contributors=[*review.contributors, person.pk])
    elif bar == "contributor":
        Review.objects.filter(pk=review.pk).update(contributors=[*review.contributors, person.pk])
    elif bar == "owner":
        RegisteredModel.objects.filter(pk=review.version.model_id).update(owner=person)


def written_by(person: Any) -> None:
    """The policy in force was written by `person` lately."""
    body = checked(starting_body("high") | {"purpose": "Written lately."}).body()
    policy = Policy.objects.create(
        name=body["name"],
        number=2,
        body=body,
        digest=sha256_of(body),
        authors=[person.pk],
        authors_sign_from=clock.now() + timedelta(days=30),
    )
    with act(INSTALLER) as this:
        lifecycle.publish(policy, fact_of(policy, None, installed=True), within=this)


CODES = {"submitter": "own_submission", "contributor": "own_work", "owner": "own_model", "policy author": "policy_author"}


@pytest.mark.parametrize("bar", CODES)
@pytest.mark.parametrize("whom", ["delegate", "delegator"])
def test_whatever_bars_either_of_the_two_bars_the_signature(
    whom: str, bar: str, make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any
) -> None:
    person = {"delegate": stand_in, "delegator": validator}[whom]
    if bar == "policy author":
        written_by(person)
    review, row = make_review(), lend(validator, stand_in)
    assert signable(stand_in) == ([] if bar == "policy author" else [review])
    barred(person, bar, review)
    code = CODES[bar] if whom == "delegate" else f"delegator_{CODES[bar]}"
    assert can_sign_off(stand_in, fresh(review), "validator", row).code == code
    assert signable(stand_in) == []
    assert code_of(lambda: sign(fresh(review), "validator", by=stand_in, delegation=row)) == code


def test_an_administrator_signs_nothing_by_delegation(
    make_review: Any, lend: Any, sign: Any, validator: Any, make_person: Any, team: Any
) -> None:
    """Whoever became one after they had accepted; a data scientist may be both."""
    review = make_review()
    later = make_person("Late Admin", ("data_scientist", team))
    row = lend(validator, later)
    Membership.objects.create(person=later, role="administrator", team=None)
    later.forget_roles()
    assert code_of(lambda: sign(review, "validator", by=later, delegation=row)) == "administrator"
    assert signable(later) == []


def test_the_bar_of_the_delegator_is_told_in_their_words(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)
    barred(validator, "owner", review)
    with pytest.raises(NotAllowed, match="could not sign it either, and would be told: “You own this model"):
        sign(fresh(review), "validator", by=stand_in, delegation=row)


# -- one person, one signature ----------------------------------------------------------------------------------------------


def two_needed(review: Any) -> Any:
    Step.objects.filter(review=review, role="validator").update(quorum=2)
    Step.objects.filter(review=review).update(order=1)
    return fresh(review)


def test_neither_signs_for_the_other_once_one_of_them_has_signed(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any
) -> None:
    row, first, second = lend(validator, stand_in), two_needed(make_review()), two_needed(make_review())
    sign(first, "validator", by=validator)
    assert code_of(lambda: sign(first, "validator", by=stand_in, delegation=row)) == "delegator_already_signed"
    assert first not in signable(stand_in)
    sign(second, "validator", by=stand_in, delegation=row)
    assert code_of(lambda: sign(second, "validator", by=validator)) == "already_signed"
    assert second not in signable(validator)


def test_a_delegate_with_a_role_of_their_own_signs_once(
    make_review: Any, lend: Any, sign: Any, validator: Any, officer: Any
) -> None:
    row, first, second = lend(validator, officer), two_needed(make_review()), two_needed(make_review())
    assert [(one.role, one.delegation) for one in capacities(officer, first)] == [
        ("compliance_officer", None),
        ("validator", row),
    ]
    sign(first, "compliance_officer", by=officer)
    assert code_of(lambda: sign(first, "validator", by=officer, delegation=row)) == "already_signed"
    sign(second, "validator", by=officer, delegation=row)
    assert code_of(lambda: sign(second, "compliance_officer", by=officer)) == "already_signed"


def test_two_delegates_of_one_person_make_one_signature(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, make_person: Any, team: Any
) -> None:
    other = make_person("Olga Other", ("auditor", team))
    review, first, second = two_needed(make_review()), lend(validator, stand_in), lend(validator, other)
    sign(review, "validator", by=stand_in, delegation=first)
    assert code_of(lambda: sign(review, "validator", by=other, delegation=second)) == "delegator_already_signed"


def test_one_delegate_of_two_people_makes_one_signature(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, make_person: Any, team: Any
) -> None:
    other = make_person("Olga Other", ("validator", team))
    review, first, second = two_needed(make_review()), lend(validator, stand_in), lend(other, stand_in)
    sign(review, "validator", by=stand_in, delegation=first)
    assert code_of(lambda: sign(review, "validator", by=stand_in, delegation=second)) == "already_signed"


def test_a_signature_by_delegation_that_is_taken_back_lets_either_sign(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)
    signed = sign(review, "validator", by=stand_in, delegation=row)
    assert code_of(lambda: services.withdraw_signature(signed, by=validator, password=PASSWORD)) == "not_yours"
    services.withdraw_signature(signed, by=stand_in, password=PASSWORD)
    assert signable(validator) == [review] == signable(stand_in)
    sign(review, "validator", by=validator)


def test_a_condition_goes_to_neither_of_the_two(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, scientist: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)

    def under(owner: Any) -> Any:
        wanted = [Wanted("Measure dark images.", owner, clock.today() + timedelta(days=3))]
        return sign(review, "validator", "approve_with_conditions", by=stand_in, delegation=row, conditions=wanted)

    for person in (stand_in, validator):
        assert code_of(lambda person=person: under(person)) == "condition_owner"
    assert under(scientist).conditions.count() == 1


# -- different teams --------------------------------------------------------------------------------------------------------


def test_where_different_teams_are_asked_for_both_stand_in_the_same_one(
    make_review: Any, lend: Any, sign: Any, make_person: Any, team: Any
) -> None:
    inside = make_person("Ina Side", ("validator", team))
    house = make_person("Hal House", ("validator", None))
    helper = make_person("Hetty Helper", ("auditor", team))
    outside = make_person("Olaf Outside", ("auditor", None))
    review = make_review()
    Step.objects.filter(review=review, role="validator").update(quorum=2, distinct_teams=True)
    across, along = lend(house, helper, team=None), lend(house, outside, team=None)
    assert code_of(lambda: sign(review, "validator", by=helper, delegation=across)) == "other_team"
    assert signable(helper) == []
    sign(review, "validator", by=outside, delegation=along)
    within = lend(inside, helper)
    assert signable(helper) == [fresh(review)]
    sign(review, "validator", by=helper, delegation=within)
    assert not can_sign_off(house, fresh(review), "validator")


def test_a_delegate_does_not_make_a_second_signature_of_one_team(
    make_review: Any, lend: Any, sign: Any, validator: Any, make_person: Any, team: Any
) -> None:
    beside, helper = make_person("Bea Side", ("validator", team)), make_person("Hetty Helper", ("auditor", team))
    review, row = make_review(), lend(beside, helper)
    Step.objects.filter(review=review, role="validator").update(quorum=2, distinct_teams=True)
    sign(review, "validator")
    assert code_of(lambda: sign(review, "validator", by=helper, delegation=row)) == "same_team"
    assert signable(helper) == []


# -- words ------------------------------------------------------------------------------------------------------------------


def test_what_the_delegator_wrote_and_their_name_go_with_them(
    make_review: Any, lend: Any, sign: Any, validator: Any, stand_in: Any, admin: Any
) -> None:
    review, row = make_review(), lend(validator, stand_in)
    signed = sign(review, "validator", by=stand_in, delegation=row)
    values = PrivateValue.objects.filter(event_id=signed.event)
    assert dict(values.values_list("path", "value")) == {
        "name": "Stan Standin",
        "delegator": "Vera Validator",
        "comment": "Read it.",
    }
    erase_person(validator, by=admin)
    assert Delegation.objects.get().reason == ""
    assert sorted(values.values_list("path", flat=True)) == ["comment", "name"]
    assert SignOff.objects.get().on_behalf_of == validator.pk


def test_refusals_of_delegations_are_sentences(lend: Any, validator: Any, stand_in: Any) -> None:
    with pytest.raises(InvalidInput, match="at most 90 days"):
        lend(validator, stand_in, days=91)
