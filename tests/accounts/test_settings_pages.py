"""Settings: one's own keys, and people, teams and roles for administrators."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, Membership, Person, Team
from accounts.services import make_person, prove
from core.errors import NotAllowed
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
KEYS, PEOPLE, TEAMS = "/settings/keys/", "/settings/people/", "/settings/teams/"
NEW = {"name": "Nora New", "email": "nora@example.org", "time_zone": "Asia/Seoul"}


def text_of(answer: Any) -> str:
    return answer.content.decode()


def test_a_key_is_shown_once_and_opens_what_its_owner_may_see(client_of: Any, scientist: Any, story: Any) -> None:
    browser = client_of(scientist)
    answer = browser.post(KEYS, {"name": "CI", "scopes": ["read", "submit"], "days": "30"})
    found = re.search(r"cs_[0-9a-f]{12}_[\w-]{43}", text_of(answer))
    assert found and story() == ["key.made"]
    assert browser.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {found[0]}").json()["key"]["scopes"] == ["read", "submit"]
    assert found[0] not in text_of(browser.get(KEYS))


def test_a_key_without_a_scope_is_refused_and_what_was_typed_stays(client_of: Any, scientist: Any) -> None:
    answer = client_of(scientist).post(KEYS, {"name": "CI of digits", "days": "30"})
    assert answer.status_code == 422
    assert 'value="CI of digits"' in text_of(answer)
    assert not ApiKey.objects.exists()


def test_a_revoked_key_opens_nothing(client_of: Any, scientist: Any, key_of: Any, api_of: Any) -> None:
    text = key_of(scientist)
    browser = client_of(scientist)
    browser.post(f"{KEYS}{ApiKey.objects.get().pk}/revocation/")
    assert browser.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}").status_code == 401
    assert "Revoked" in text_of(browser.get(KEYS))


def test_nobody_revokes_anothers_key_but_an_administrator_does(
    client_of: Any, scientist: Any, validator: Any, admin: Any, key_of: Any
) -> None:
    key_of(scientist)
    where = f"{KEYS}{ApiKey.objects.get().pk}/revocation/"
    assert client_of(validator).post(where).status_code == 404
    assert client_of(admin).post(where).status_code == 303
    assert ApiKey.objects.get().revoked_at


def test_a_first_password_opens_the_account_and_signs_nothing(client_of: Any, admin: Any, story: Any) -> None:
    """Whoever makes accounts knows their first passwords; a signature must be its owner's alone (21 CFR 11.200)."""
    answer = client_of(admin).post(PEOPLE, NEW)
    person = Person.objects.get(email=NEW["email"])
    password = next(word for word in re.findall(r"[\w-]{20,}", text_of(answer)) if person.check_password(word))
    with pytest.raises(NotAllowed, match="Choose your own under Password"):
        prove(person, password=password)
    browser = client_of()
    browser.post("/accounts/login/", {"login": person.email, "password": password})
    changed = {"oldpassword": password, "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post("/accounts/password/change/", changed).status_code == 302
    assert prove(person, password=PASSWORD).methods == ("password",)


def test_a_password_that_the_command_line_set_signs(db: None) -> None:
    """The installer's first person is made by the one who owns the machine, who is that person."""
    from ledger.actors import INSTALLER  # noqa: PLC0415 - only this test installs

    person = make_person(by=INSTALLER, email="first@example.org", name="First", password=PASSWORD)
    assert prove(person, password=PASSWORD).methods == ("password",)


def test_a_taken_address_is_refused_at_its_field(client_of: Any, admin: Any, scientist: Any) -> None:
    answer = client_of(admin).post(PEOPLE, NEW | {"email": scientist.email})
    assert answer.status_code == 422
    assert "has an account already" in text_of(answer) and 'value="Nora New"' in text_of(answer)


def test_people_are_found_by_a_part_of_their_name_or_address(client_of: Any, admin: Any, scientist: Any, validator: Any) -> None:
    page = text_of(client_of(admin).get(PEOPLE, {"q": "sora"}))
    assert "Sora Scientist" in page and "Vera Validator" not in page
    assert "Nobody goes by this" in text_of(client_of(admin).get(PEOPLE, {"q": "zzz"}))


def test_a_role_is_given_and_taken_away(client_of: Any, admin: Any, stranger: Any, team: Any, story: Any) -> None:
    browser, where = client_of(admin), f"{PEOPLE}{stranger.pk}/roles/"
    assert browser.post(where, {"role": "validator", "team": str(team.pk)}).status_code == 303
    held = Membership.objects.get(person=stranger)
    assert (held.role, held.team) == ("validator", team)
    assert browser.post(f"{where}revocation/", {"held": str(held.pk)}).status_code == 303
    assert not Membership.objects.filter(person=stranger).exists()
    assert story() == ["role.granted", "role.revoked"]


def test_a_role_that_breaks_segregation_is_refused_with_the_reason(
    client_of: Any, admin: Any, validator: Any, story: Any
) -> None:
    answer = client_of(admin).post(f"{PEOPLE}{validator.pk}/roles/", {"role": "administrator", "team": "everywhere"})
    assert answer.status_code == 403
    assert "holds a role that signs" in text_of(answer) and story() == ["attempt.refused"]


def test_an_administrator_of_a_team_gives_roles_in_it_and_nowhere_else(
    client_of: Any, make_person: Any, make_team: Any, team: Any, stranger: Any
) -> None:
    theirs = client_of(make_person("Tea Admin", ("administrator", team)))
    other = make_team("speech")
    where = f"{PEOPLE}{stranger.pk}/roles/"
    assert theirs.post(where, {"role": "auditor", "team": str(team.pk)}).status_code == 303
    assert theirs.post(where, {"role": "auditor", "team": str(other.pk)}).status_code == 422
    assert theirs.post(where, {"role": "auditor", "team": "everywhere"}).status_code == 422
    assert "Add a person" not in text_of(theirs.get(PEOPLE))


def test_a_person_is_erased_only_when_their_name_is_written(client_of: Any, admin: Any, stranger: Any) -> None:
    where = f"{PEOPLE}{stranger.pk}/erasure/"
    answer = client_of(admin).post(where, {"name": "Somebody"})
    assert answer.status_code == 422 and "nothing was erased" in text_of(answer)
    assert client_of(admin).post(where, {"name": stranger.name}).status_code == 303
    stranger.refresh_from_db()
    assert stranger.erased_at and stranger.name == ""


def test_nobody_deactivates_themselves(client_of: Any, admin: Any) -> None:
    page = text_of(client_of(admin).post(f"{PEOPLE}{admin.pk}/deactivation/", follow=True))
    assert "Nobody deactivates themselves" in page and Person.objects.get(pk=admin.pk).is_active


def test_a_team_is_made_and_a_short_name_is_given_once(client_of: Any, admin: Any, team: Any) -> None:
    browser = client_of(admin)
    assert browser.post(TEAMS, {"name": "Speech"}).status_code == 303
    assert Team.objects.get(slug="speech")
    answer = browser.post(TEAMS, {"name": "Another", "slug": team.slug})
    assert answer.status_code == 422 and "short name already" in text_of(answer)


@pytest.mark.parametrize("where", [PEOPLE, TEAMS])
def test_the_lists_cost_as_many_queries_for_ten_rows_as_for_one(
    where: str, client_of: Any, admin: Any, make_person: Any, make_team: Any
) -> None:
    browser = client_of(admin)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            browser.get(where)
        return len(queries)

    cost()
    before = cost()
    for number in range(10):
        make_person(f"Person {number}", ("auditor", make_team(f"team-{number}")))
    assert cost() == before


def test_the_way_to_people_and_teams_is_shown_to_administrators_alone(client_of: Any, admin: Any, scientist: Any) -> None:
    assert "/settings/people/" in text_of(client_of(admin).get(KEYS))
    assert "/settings/people/" not in text_of(client_of(scientist).get(KEYS))
