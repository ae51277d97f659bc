"""Signing at the same moment as something else, on real PostgreSQL: exactly one right outcome each."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from accounts.services import revoke_role
from core import clock
from governance import services
from governance.approvals import approval_of
from governance.models import Review, SignOff, Step
from governance.services import signing as signing_services
from governance.services.conditions import Wanted, suspend_missed
from ledger.models import Event
from models_registry.models import Version
from tests.attacks.at_once import refusals
from tests.plugins_versions import CARD, PASSWORD

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("policies")]
TRIES = 3


def fresh(review: Any) -> Version:
    return Version.objects.with_parts().get(pk=review.version_id)


def signing(review: Any, person: Any, role: str = "validator", **more: Any) -> Any:
    options = {"verdict": "approve", "password": PASSWORD, "seen": review.digest} | more
    return lambda: services.sign_off(review, by=person, role=role, **options)


def test_of_two_last_signatures_at_once_both_count_and_one_concludes(
    make_review: Any, make_person: Any, team: Any, race: Any
) -> None:
    people = [make_person(f"Validator {number}", ("validator", team)) for number in range(2)]
    officer = make_person("Officer", ("compliance_officer", team))
    for _ in range(TRIES):
        review = make_review()
        Step.objects.filter(review=review).update(order=1)
        services.sign_off(review, by=people[0], role="validator", verdict="approve", password=PASSWORD, seen=review.digest)
        Step.objects.filter(review=review, role="validator").update(quorum=2)
        told = refusals(race(signing(review, people[1]), signing(review, officer, "compliance_officer")))
        assert told == []
        assert fresh(review).state == "approved"
        assert Event.objects.filter(type="version.approved", subject_id=str(review.version_id)).count() == 1


def test_a_signature_taken_back_while_the_last_one_is_given_counts_or_stops_it(
    make_review: Any, validator: Any, officer: Any, race: Any
) -> None:
    for _ in range(TRIES):
        review = make_review()
        signed = signing(review, validator)()
        told = refusals(
            race(
                lambda signed=signed: services.withdraw_signature(signed, by=validator, password=PASSWORD),
                signing(review, officer, "compliance_officer"),
            )
        )
        signed = SignOff.objects.with_parts().get(pk=signed.pk)
        assert (told, signed.is_withdrawn, fresh(review).state) in (
            (["step_closed"], False, "approved"),
            (["too_early"], True, "in_review"),
        )


def test_a_card_that_changes_while_somebody_signs_conditions_leaves_none_that_binds_unseen(
    make_review: Any, validator: Any, scientist: Any, race: Any
) -> None:
    for turn in range(TRIES):
        review = make_review()
        wanted = [Wanted("Measure dark images.", scientist, clock.now().date() + timedelta(days=5))]
        told = refusals(
            race(
                signing(review, validator, verdict="approve_with_conditions", conditions=wanted),
                lambda review=review, turn=turn: services.revise_card(
                    review.version, CARD | {"limitations": f"Turn {turn}."}, by=scientist
                ),
            )
        )
        assert told in ([], ["changed_meanwhile"])
        assert approval_of(fresh(review), "production").conditions == []
        assert review.conditions.count() == (0 if told else 1)


def test_a_role_revoked_while_its_holder_answers_a_condition_is_not_used_afterwards(
    make_review: Any, sign: Any, make_person: Any, team: Any, scientist: Any, admin: Any, race: Any
) -> None:
    for turn in range(TRIES):
        person = make_person(f"Validator of turn {turn}", ("validator", team))
        condition = _reported(make_review(), sign, scientist)
        told = refusals(
            race(
                lambda condition=condition, person=person: services.answer_condition(
                    condition, by=person, met=True, password=PASSWORD
                ),
                lambda person=person: revoke_role(person, by=admin, role="validator", team=team),
            )
        )
        condition.refresh_from_db()
        assert (told, condition.state) in (([], "met"), (["wrong_role"], "reported"))


def test_a_condition_is_met_or_missed_when_its_date_passes_while_it_is_answered(
    make_review: Any, sign: Any, validator: Any, scientist: Any, race: Any
) -> None:
    for _ in range(TRIES):
        condition = _reported(make_review(), sign, scientist)
        answered = race(
            lambda condition=condition: services.answer_condition(condition, by=validator, met=True, password=PASSWORD),
            lambda condition=condition: _late(condition),
        )
        refusals(answered)
        condition.refresh_from_db()
        state = fresh(condition.review).state
        assert (condition.state, state) in (("met", "approved"), ("missed", "suspended"))
        kinds = set(Event.objects.filter(subject_id=str(condition.pk)).values_list("type", flat=True))
        assert len(kinds & {"condition.met", "condition.missed"}) == 1


def test_a_delegation_that_is_ended_while_its_delegate_signs_was_used_before_or_is_worth_nothing(
    make_review: Any, make_person: Any, lend: Any, validator: Any, team: Any, race: Any
) -> None:
    delegate = make_person("Stan Standin", ("auditor", team))
    for turn in range(TRIES):
        review, row = make_review(), lend(validator, delegate)
        told = refusals(
            race(
                signing(review, delegate, delegation=row),
                lambda row=row, turn=turn: services.end_delegation(row, by=(validator, delegate)[turn % 2]),
            )
        )
        begun = Event.objects.filter(type__in=["sign_off.given", "delegation.ended"]).in_order()
        mine = [one.type for one in begun if {str(review.pk), str(row.pk)} & {one.subject_id}]
        given = SignOff.objects.filter(review=review).count()
        assert (told, given, mine) in (
            ([], 1, ["sign_off.given", "delegation.ended"]),
            (["delegation_not_in_force"], 0, ["delegation.ended"]),
        )


@pytest.mark.parametrize("what", ["delegation.ended", "role.revoked"])
def test_what_a_delegate_signs_by_stays_until_the_signature_is_given(
    what: str,
    make_review: Any,
    make_person: Any,
    lend: Any,
    validator: Any,
    admin: Any,
    team: Any,
    race: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signature takes its time after it has looked: whoever takes away what it rests on waits, and comes second."""
    delegate = make_person("Stan Standin", ("auditor", team))
    review, row = make_review(), lend(validator, delegate)
    looked, refresh = threading.Event(), signing_services.refresh

    def slowly(*given: Any, **options: Any) -> Any:
        looked.set()
        time.sleep(0.5)
        return refresh(*given, **options)

    def take_away() -> None:
        assert looked.wait(10)
        if what == "delegation.ended":
            services.end_delegation(row, by=validator)
        else:
            revoke_role(validator, by=admin, role="validator", team=team)

    monkeypatch.setattr(signing_services, "refresh", slowly)
    assert refusals(race(signing(review, delegate, delegation=row), take_away)) == []
    told = [one.type for one in Event.objects.filter(type__in=["sign_off.given", what]).in_order()]
    assert told == ["sign_off.given", what]


def test_of_delegator_and_delegate_who_sign_at_once_one_counts(
    make_review: Any, make_person: Any, lend: Any, validator: Any, team: Any, race: Any
) -> None:
    delegate = make_person("Stan Standin", ("validator", team))
    row, back = lend(validator, delegate), lend(delegate, validator)
    for turn in range(TRIES):
        review = make_review()
        Step.objects.filter(review=review, role="validator").update(quorum=2)
        other = signing(review, validator) if turn else signing(review, validator, delegation=back)
        told = refusals(race(signing(review, delegate, delegation=row), other))
        assert told in (["already_signed"], ["delegator_already_signed"])
        assert SignOff.objects.filter(review=review).count() == 1


def test_a_role_of_the_delegator_that_is_revoked_while_the_delegate_signs_is_not_used_afterwards(
    make_review: Any, make_person: Any, lend: Any, admin: Any, team: Any, race: Any
) -> None:
    delegate = make_person("Stan Standin", ("auditor", team))
    for turn in range(TRIES):
        person = make_person(f"Validator of turn {turn}", ("validator", team))
        review, row = make_review(), lend(person, delegate)
        told = refusals(
            race(
                signing(review, delegate, delegation=row),
                lambda person=person: revoke_role(person, by=admin, role="validator", team=team),
            )
        )
        types = [one.type for one in Event.objects.filter(type__in=["sign_off.given", "role.revoked"]).in_order()][-2:]
        if told:
            assert told == ["delegator_wrong_role"] and not SignOff.objects.filter(review=review).exists()
        else:
            assert types == ["sign_off.given", "role.revoked"]


def test_of_two_equal_offers_at_once_one_is_made(validator: Any, make_person: Any, lend: Any, team: Any, race: Any) -> None:
    delegate = make_person("Stan Standin", ("auditor", team))
    told = refusals(race(*[lambda: lend(validator, delegate, accepted=False)] * 2))
    assert told == ["delegated_already"]


def _late(condition: Any) -> None:
    """The date is yesterday from now on, and the clock looks."""
    type(condition).objects.filter(pk=condition.pk).update(due=clock.now().date() - timedelta(days=1))
    suspend_missed()


def _reported(review: Review, sign: Any, owner: Any) -> Any:
    wanted = [Wanted("Measure dark images.", owner, clock.now().date() + timedelta(days=5))]
    sign(review, "validator", "approve_with_conditions", conditions=wanted)
    sign(review, "compliance_officer")
    return services.report_condition(review.conditions.get(), by=owner, report="Done.")
