"""The command line: the first people, teams and keys come in this way."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, Membership, Person, Role
from accounts.roles import Scope
from ledger.models import Event
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def type_in(monkeypatch):
    def feed(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return feed


def run(command, /, *words, **options):
    out = io.StringIO()
    call_command(command, *words, stdout=out, **options)
    return out.getvalue().strip()


def test_a_person_with_roles_is_made_by_the_installer(type_in, team, story, caplog):
    type_in(PASSWORD + "\n")
    pk = run("make_person", email="v@example.org", name="Vera", role=["validator@vision", "auditor"])
    person = Person.objects.get(pk=pk)
    assert person.check_password(PASSWORD)
    assert person.roles_in(team) == {"validator", "auditor"}
    assert person.roles_in(None) == {"auditor"}
    assert story() == ["person.made", "role.granted", "role.granted"]
    assert {event.actor_id for event in Event.objects.about(person)} == {"installer"}
    assert PASSWORD not in caplog.text


def test_the_first_administrator(type_in, db):
    type_in(PASSWORD)
    person = Person.objects.get(pk=run("make_person", email="a@example.org", name="Ada", administrator=True))
    assert person.holds(Role.ADMINISTRATOR)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"role": ["king"]}, "no role 'king'"),
        ({"role": ["validator@nowhere"]}, "no team 'nowhere'"),
        ({"email": "nothing"}, "valid email"),
        ({"time_zone": "Mars"}, "time zone"),
    ],
)
def test_a_mistake_is_one_sentence_and_makes_nobody(type_in, db, options, said):
    type_in(PASSWORD)
    with pytest.raises(CommandError, match=said):
        run("make_person", **({"email": "v@example.org", "name": "V"} | options))
    assert not Person.objects.exists()


def test_an_administrator_who_signs_is_refused(type_in, team):
    type_in(PASSWORD)
    with pytest.raises(CommandError, match="sign"):
        run("make_person", email="v@example.org", name="V", role=["validator@vision"], administrator=True)
    assert set(Membership.objects.values_list("role", flat=True)) == {"validator"}


def test_a_team(db, story):
    assert run("make_team", name="Vision and sound") == "vision-and-sound"
    assert story() == ["team.made"]
    with pytest.raises(CommandError, match="already"):
        run("make_team", name="Vision and sound")


def test_a_key_is_printed_once(scientist, api_of, story):
    words = ["--email", scientist.email.upper(), "--name", "CI", "--scope", "submit", "--scope", "read", "--days", "366"]
    text = run("make_key", *words)
    key = ApiKey.objects.get()
    assert key.scopes == [Scope.READ, Scope.SUBMIT]
    assert text.startswith(f"cs_{key.prefix}_")
    assert api_of().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}").status_code == 200
    assert story() == ["key.made"]


def test_a_key_for_nobody_or_for_too_long(scientist):
    with pytest.raises(CommandError, match="Nobody active"):
        run("make_key", email="nobody@example.org", name="CI", scope=["read"])
    with pytest.raises(CommandError, match="1 to 366"):
        run("make_key", email=scientist.email, name="CI", scope=["read"], days=367)


def test_a_person_who_left_is_deactivated_then_erased(admin, scientist, story):
    email = scientist.email
    assert run("deactivate_person", email=email) == str(scientist.pk)
    with pytest.raises(CommandError, match="already"):
        run("deactivate_person", email=email)
    assert run("deactivate_person", email=email, erase=True) == str(scientist.pk)
    with pytest.raises(CommandError, match="Nobody has"):
        run("deactivate_person", email=email)
    with pytest.raises(CommandError, match="last administrator"):
        run("deactivate_person", email=admin.email)
    assert story() == ["person.deactivated", "person.erased", "private_values.erased"]
