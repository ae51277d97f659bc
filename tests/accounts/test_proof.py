"""Fresh proof of identity: what suffices, what is refused, and how often somebody may be wrong."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisGone

from accounts import counting, services
from accounts.services import ProofFailed, proof, prove
from core.errors import InvalidInput, TooMany, Unavailable
from ledger.acts import act
from ledger.models import Event
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def enrolled(validator, authenticators):
    authenticators.enrol(validator)
    return validator


def fail(person, times=1, **given):
    for _attempt in range(times):
        with pytest.raises(ProofFailed):
            prove(person, **({"password": "wrong"} | given))


def test_the_password_proves_who_has_no_second_factor(validator, frozen_clock, story):
    assert prove(validator, password=PASSWORD) == services.Proof(methods=("password",), at=frozen_clock.now)
    assert story() == []  # the signature's own record states the proof


def test_a_wrong_password_is_refused_and_recorded(validator, story):
    with pytest.raises(ProofFailed) as refusal:
        prove(validator, password="wrong", source="0123456789abcdef")
    assert (refusal.value.code, refusal.value.status) == ("proof_failed", 403)
    assert story() == ["proof.failed"]
    event = Event.objects.get(type="proof.failed")
    assert event.actor_id == event.subject_id == str(validator.pk)
    assert b'"what":"password"' in bytes(event.body)
    assert b"0123456789abcdef" in bytes(event.body)


def test_a_password_changed_meanwhile_counts_at_once(validator):
    validator.__class__.objects.get(pk=validator.pk)
    other = type(validator).objects.get(pk=validator.pk)
    other.set_password("another " + PASSWORD)
    other.save()
    fail(validator, password=PASSWORD)


@pytest.mark.parametrize("kind", ["totp", "recovery_code"])
def test_whoever_enrolled_a_second_factor_needs_it(enrolled, authenticators, kind):
    with pytest.raises(InvalidInput) as refusal:
        prove(enrolled, password=PASSWORD)
    assert refusal.value.code == "code_needed"
    code = authenticators.code() if kind == "totp" else authenticators.recovery_codes(enrolled)[0]
    assert prove(enrolled, password=PASSWORD, code=f" {code[:3]} {code[3:]}").methods == ("password", kind)


def test_no_code_works_twice(enrolled, authenticators):
    used, unused = authenticators.recovery_codes(enrolled)[:2]
    for show in (authenticators.code, authenticators.next_code, lambda: used):
        code = show()
        prove(enrolled, password=PASSWORD, code=code)
        fail(enrolled, password=PASSWORD, code=code)
    prove(enrolled, password=PASSWORD, code=unused)


def test_a_wrong_password_uses_up_no_code(enrolled, authenticators):
    code = authenticators.code()
    fail(enrolled, password="wrong", code=code)
    assert prove(enrolled, password=PASSWORD, code=code)


def test_the_refusal_does_not_tell_which_part_was_right(enrolled, story):
    said = set()
    for given in ({"password": PASSWORD, "code": "no code"}, {"password": "wrong", "code": "no code"}):
        with pytest.raises(ProofFailed) as refusal:
            prove(enrolled, **given)
        said.add(str(refusal.value))
    assert len(said) == 1
    assert story() == ["proof.failed", "proof.failed"]
    assert [b'"what":"code"' in bytes(event.body) for event in Event.objects.about(enrolled).in_order()] == [
        True,
        False,
    ]  # the log knows


def test_who_has_no_password_is_told_to_set_one(make_person):
    with pytest.raises(ProofFailed, match="Set one under Account") as refusal:
        prove(make_person("Elsewhere", password=""), password="anything")
    assert refusal.value.code == "enrolment_needed"


def test_who_is_deactivated_proves_nothing(validator, admin):
    services.deactivate_person(type(validator).objects.get(pk=validator.pk), by=admin)
    with pytest.raises(ProofFailed, match="deactivated"):
        prove(validator, password=PASSWORD)


def test_an_empty_password_is_asked_for(validator, story):
    with pytest.raises(InvalidInput) as refusal:
        prove(validator, password="")
    assert refusal.value.facts == {"field": "password"}
    assert story() == []


def test_five_failures_lock_the_person_for_a_quarter_of_an_hour(validator, other_scientist, frozen_clock, story):
    fail(validator, times=5)
    assert story() == ["proof.failed"] * 5 + ["proof.locked"]
    with pytest.raises(TooMany) as refusal:
        prove(validator, password=PASSWORD)
    assert refusal.value.facts == {"retry_after": 900}
    frozen_clock.advance(minutes=14)
    with pytest.raises(TooMany) as refusal:
        prove(validator, password=PASSWORD)
    assert refusal.value.facts == {"retry_after": 60}
    assert prove(other_scientist, password=PASSWORD)  # nobody else is locked out
    assert len(story()) == 6  # what is not looked at floods no log


def test_after_the_lock_the_person_signs_again(validator, monkeypatch):
    monkeypatch.setattr(proof, "WINDOW", timedelta(seconds=1))
    fail(validator, times=5)
    with pytest.raises(TooMany):
        prove(validator, password=PASSWORD)
    time.sleep(2.1)
    assert prove(validator, password=PASSWORD)
    fail(validator)


def test_success_is_not_counted(validator):
    fail(validator, times=4)
    for _signature in range(6):
        prove(validator, password=PASSWORD)
    fail(validator)
    with pytest.raises(TooMany):
        prove(validator, password=PASSWORD)


def test_one_source_that_tries_many_people_is_locked(make_person, monkeypatch):
    monkeypatch.setattr(proof, "FAILURES_OF_SOURCE", 3)
    people = [make_person(f"Person {n}") for n in range(4)]
    for person in people[:3]:
        fail(person, source="feedfeedfeedfeed")
    with pytest.raises(TooMany):
        prove(people[3], password=PASSWORD, source="feedfeedfeedfeed")
    assert prove(people[3], password=PASSWORD, source="0000000000000000")


def test_what_cannot_be_counted_is_not_tried(validator, monkeypatch):
    class Gone:
        def add(self, *args):
            raise RedisGone

    monkeypatch.setattr(counting, "cache", Gone())
    with pytest.raises(Unavailable):
        prove(validator, password=PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_five_parallel_failures_count_five_and_no_sixth_guess_is_weighed(race, validator, story):
    ended = race(*[lambda: prove(validator, password="wrong")] * 12)
    assert sorted(type(each).__name__ for each in ended) == ["ProofFailed"] * 5 + ["TooMany"] * 7
    assert sorted(story()) == ["proof.failed"] * 5 + ["proof.locked"]
    with pytest.raises(TooMany):
        prove(validator, password=PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_one_code_proves_once_even_at_the_same_moment(race, enrolled, authenticators):
    code = authenticators.code()
    ended = race(*[lambda: prove(enrolled, password=PASSWORD, code=code)] * 4)
    assert sorted(type(each).__name__ for each in ended) == ["Proof"] + ["ProofFailed"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_failure_outlives_the_act_that_it_stopped(validator, story):
    """`prove` belongs before the act; inside, Django refuses the nested transaction instead of losing the record."""
    with pytest.raises(RuntimeError, match="durable"), act(validator):
        prove(validator, password="wrong")
    fail(validator)
    assert story() == ["proof.failed"]
