"""Two at the same moment, each on a connection of its own: one wins, and no rule is passed by."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import services
from accounts.models import ApiKey, Membership, Person, Role
from core.clock import now
from core.errors import NotAllowed, WrongState
from ledger.actors import INSTALLER

pytestmark = pytest.mark.django_db(transaction=True)


def kinds(ended):
    return sorted(type(each).__name__ for each in ended)


def test_of_two_revocations_one_wins(race, admin, validator, team, story):
    ended = race(*[lambda: services.revoke_role(validator, by=admin, role=Role.VALIDATOR, team=team)] * 2)
    assert kinds(ended) == ["NoneType", "WrongState"]
    assert story() == ["role.revoked"]


def test_of_two_revocations_of_a_key_one_wins(race, scientist, admin, key_of, story):
    key_of(scientist)
    key = ApiKey.objects.get()
    ended = race(lambda: services.revoke_key(key, by=scientist), lambda: services.revoke_key(key, by=admin))
    assert kinds(ended) == ["NoneType", "WrongState"]
    assert story() == ["key.revoked"]


@pytest.mark.parametrize("attempt", range(5))
def test_two_administrators_cannot_remove_one_another(race, admin, make_person, attempt):
    second = make_person("Second", ("administrator", None))
    ended = race(
        lambda: services.revoke_role(second, by=admin, role=Role.ADMINISTRATOR),
        lambda: services.deactivate_person(admin, by=second),
    )
    assert [each for each in ended if each is None] == [None]
    assert {type(each) for each in ended if each is not None} <= {WrongState, NotAllowed}
    assert len([person for person in Person.objects.all() if person.holds(Role.ADMINISTRATOR)]) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_nobody_becomes_administrator_and_signer_at_the_same_moment(race, stranger, team, attempt):
    ended = race(
        lambda: services.grant_role(stranger, by=INSTALLER, role=Role.ADMINISTRATOR),
        lambda: services.grant_role(stranger, by=INSTALLER, role=Role.VALIDATOR, team=team),
    )
    assert kinds(ended) == ["Membership", "NotAllowed"]
    assert Membership.objects.filter(person=stranger).count() == 1


def test_the_same_role_twice_at_once_is_held_once(race, stranger, story):
    ended = race(*[lambda: services.grant_role(stranger, by=INSTALLER, role=Role.AUDITOR)] * 4)
    assert kinds(ended) == ["Membership"] + ["WrongState"] * 3
    assert story() == ["role.granted"]


@pytest.mark.parametrize("attempt", range(5))
def test_no_key_outlives_a_deactivation(race, scientist, admin, attempt):
    def make():
        return services.make_key(scientist, by=scientist, name="x", scopes=["read"], expires_at=now() + timedelta(days=1))

    race(make, lambda: services.deactivate_person(scientist, by=admin), make)
    assert not ApiKey.objects.filter(revoked_at=None).exists()


def test_the_same_address_twice_at_once_is_one_person(race, admin, story):
    ended = race(*[lambda: services.make_person(by=admin, email="n@example.org", name="N")] * 3)
    assert kinds(ended) == ["InvalidInput"] * 2 + ["Person"]
    assert story() == ["person.made"]
