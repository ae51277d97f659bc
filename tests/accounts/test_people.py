"""People, teams and roles: each change has an actor, an event and a rule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import authenticate
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction

from accounts import services
from accounts.models import ApiKey, Membership, Person, Role, Team
from accounts.roles import SIGNING_ROLES
from core.clock import now
from core.errors import InvalidInput, NotAllowed, WrongState
from ledger.actors import INSTALLER
from ledger.models import Event, PrivateValue
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def body_of(event_type):
    return bytes(Event.objects.get(type=event_type).body).decode()


def test_an_administrator_makes_a_person_whose_name_stays_out_of_the_log(admin, story):
    person = services.make_person(by=admin, email=" Nora@Example.ORG ", name="  Nora   New ", password=PASSWORD)
    assert (person.email, person.name, person.is_active) == ("nora@example.org", "Nora New", True)
    assert person.check_password(PASSWORD)
    assert story() == ["person.made"]
    event = Event.objects.get(type="person.made")
    assert (event.actor_kind, event.actor_id, event.subject_id) == ("person", str(admin.pk), str(person.pk))
    for word in ("Nora", "nora@example.org", PASSWORD):
        assert word not in body_of("person.made")


def test_the_installer_makes_the_first_person(story):
    person = services.make_person(by=INSTALLER, email="first@example.org", name="First")
    assert not person.has_usable_password()
    assert story() == ["person.made"]
    assert Event.objects.get(type="person.made").actor_kind == "system"
    assert authenticate(email="first@example.org", password="") is None


def test_nobody_but_an_administrator_makes_people_and_the_attempt_is_recorded(scientist, auditor, story):
    for person in (scientist, auditor):
        with pytest.raises(NotAllowed, match="Only an administrator"):
            services.make_person(by=person, email="x@example.org", name="X")
    assert story() == ["attempt.refused", "attempt.refused"]
    assert not Person.objects.filter(email="x@example.org").exists()


def test_one_address_is_one_person_in_any_case(admin, scientist, story):
    with pytest.raises(InvalidInput, match="already") as refusal:
        services.make_person(by=admin, email=scientist.email.upper(), name="Twin")
    assert refusal.value.code == "email_taken"
    with pytest.raises(IntegrityError), transaction.atomic():
        Person.objects.create(email=scientist.email.upper(), name="Twin")
    assert story() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "  "}, "name"),
        ({"email": "no address"}, "email"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"password": "short"}, "password"),
    ],
)
def test_bad_input_names_the_field(admin, given, field):
    with pytest.raises(InvalidInput) as refusal:
        services.make_person(by=admin, **({"email": "n@example.org", "name": "N", "password": PASSWORD} | given))
    assert refusal.value.facts == {"field": field}


def test_a_team_is_made_once(admin, story):
    team = services.make_team(by=admin, name="Speech and language")
    assert team.slug == "speech-and-language"
    with pytest.raises(InvalidInput):
        services.make_team(by=admin, name="Speech and language")
    with pytest.raises(InvalidInput):
        services.make_team(by=admin, name="팀")  # nothing Latin to make a short name of
    assert story() == ["team.made"]
    assert Team.objects.count() == 1


def test_a_role_is_granted_and_revoked(admin, stranger, team, story):
    services.grant_role(stranger, by=admin, role=Role.VALIDATOR, team=team)
    assert stranger.holds(Role.VALIDATOR, team)
    assert not stranger.holds(Role.VALIDATOR)
    assert list(Person.objects.with_role(Role.VALIDATOR, team)) == [stranger]
    services.revoke_role(stranger, by=admin, role=Role.VALIDATOR, team=team)
    assert not stranger.holds(Role.VALIDATOR, team)
    assert story() == ["role.granted", "role.revoked"]
    with pytest.raises(WrongState):
        services.revoke_role(stranger, by=admin, role=Role.VALIDATOR, team=team)


def test_a_role_everywhere_counts_in_every_team(dpo, team, make_team):
    assert dpo.holds(Role.DATA_PROTECTION_OFFICER, team)
    assert dpo.roles_in(make_team("audio")) == {"data_protection_officer"}
    assert list(Person.objects.with_role(Role.DATA_PROTECTION_OFFICER, team)) == [dpo]


def test_a_role_is_held_once(admin, validator, team):
    with pytest.raises(WrongState, match="already"):
        services.grant_role(validator, by=admin, role=Role.VALIDATOR, team=team)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(person=admin, role=Role.ADMINISTRATOR, team=None)  # null teams count as equal


@pytest.mark.parametrize("role", sorted(SIGNING_ROLES))
def test_nobody_is_administrator_and_signer_at_once(admin, make_person, team, role, story):
    other = make_person("Other Admin", ("administrator", None))
    with pytest.raises(NotAllowed, match="administrators sign nothing") as refusal:
        services.grant_role(other, by=admin, role=role, team=team)
    assert refusal.value.code == "segregation"
    signer = make_person("Signer", (role, team))
    with pytest.raises(NotAllowed, match="Revoke that role first"):
        services.grant_role(signer, by=admin, role=Role.ADMINISTRATOR)
    assert not signer.holds_anywhere(Role.ADMINISTRATOR)
    assert story() == ["attempt.refused", "attempt.refused"]


def test_nobody_grants_roles_to_themselves(admin, story):
    with pytest.raises(NotAllowed, match="themselves"):
        services.grant_role(admin, by=admin, role=Role.AUDITOR)
    assert story() == ["attempt.refused"]


def test_the_administrator_of_a_team_grants_roles_only_there(make_person, stranger, team, make_team):
    local = make_person("Lola Local", ("administrator", team))
    services.grant_role(stranger, by=local, role=Role.DATA_SCIENTIST, team=team)
    for role, where in ((Role.DATA_SCIENTIST, make_team("audio")), (Role.AUDITOR, None), (Role.ADMINISTRATOR, team)):
        with pytest.raises(NotAllowed):
            services.grant_role(stranger, by=local, role=role, team=where)
    with pytest.raises(NotAllowed):
        services.make_team(by=local, name="Another")


def test_a_role_that_was_revoked_meanwhile_grants_nothing(admin, make_person, stranger):
    second = make_person("Second", ("administrator", None))
    assert second.holds(Role.ADMINISTRATOR)  # read, and kept with the object
    services.revoke_role(Person.objects.get(pk=second.pk), by=admin, role=Role.ADMINISTRATOR)
    with pytest.raises(NotAllowed):
        services.grant_role(stranger, by=second, role=Role.AUDITOR)


def test_the_last_administrator_stays(admin, make_person, story):
    with pytest.raises(WrongState, match="last administrator"):
        services.revoke_role(admin, by=INSTALLER, role=Role.ADMINISTRATOR)
    with pytest.raises(WrongState, match="last administrator"):
        services.deactivate_person(admin, by=INSTALLER)
    gone = make_person("Gone Admin", ("administrator", None), is_active=False)
    assert gone.holds_anywhere(Role.ADMINISTRATOR) is False
    with pytest.raises(WrongState, match="last administrator"):  # an inactive one is none
        services.erase_person(admin, by=INSTALLER)
    assert story() == []


def test_who_is_deactivated_holds_nothing_and_their_keys_are_revoked(admin, validator, team, key_of, story):
    key_of(validator)
    services.deactivate_person(validator, by=admin)
    validator.refresh_from_db()
    assert not validator.is_active
    assert not validator.holds(Role.VALIDATOR, team)
    assert not Person.objects.with_role(Role.VALIDATOR, team).exists()
    assert ApiKey.objects.filter(revoked_at=None).count() == 0
    assert story() == ["person.deactivated", "key.revoked"]
    assert authenticate(email=validator.email, password=PASSWORD) is None
    with pytest.raises(WrongState):
        services.deactivate_person(validator, by=admin)
    with pytest.raises(NotAllowed, match="themselves"):
        services.deactivate_person(admin, by=admin)


def test_erasing_a_person_leaves_only_the_pseudonym(admin, client_of, story):
    person = services.make_person(by=admin, email="erin@example.org", name="Erin Erase", password=PASSWORD)
    services.make_key(person, by=person, name="Erin's laptop", scopes=["read"], expires_at=now() + timedelta(days=3))
    EmailAddress.objects.create(user=person, email=person.email)
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    client_of(person)
    client_of(admin)
    bodies = {event.pk: bytes(event.body) for event in Event.objects.all()}
    services.erase_person(person, by=admin)
    row = Person.objects.get(pk=person.pk)
    assert (row.email, row.name, row.is_active) == (f"{row.pk}@erased.invalid", "", False)
    assert not row.has_usable_password()
    assert "Erin" not in str(row)
    assert ApiKey.objects.get().name == ""
    assert not EmailAddress.objects.exists()
    assert not Authenticator.objects.exists()
    assert [session.get_decoded()["_auth_user_id"] for session in Session.objects.all()] == [str(admin.pk)]
    assert not PrivateValue.objects.filter(person=str(person.pk)).exists()
    assert not PrivateValue.objects.filter(value__contains="Erin").exists()
    assert bodies == {event.pk: bytes(event.body) for event in Event.objects.filter(pk__in=bodies)}
    assert story() == [
        "person.made",
        "key.made",
        "person.deactivated",
        "key.revoked",
        "person.erased",
        "private_values.erased",
    ]
    services.erase_person(row, by=admin)  # asked again: nothing is left to erase
    assert story().count("person.erased") == 1
