"""The REST API of people, teams, roles and keys: shape, status and constant cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, Membership, Person, Team
from core.clock import now
from core.ids import uuid7

pytestmark = pytest.mark.django_db


def test_nobody_gets_in_without_a_key_or_a_session(api_of):
    for address in ("me", "people", "teams", "keys"):
        answer = api_of().get(f"/api/v1/{address}/")
        assert answer.status_code == 401
        assert answer["Content-Type"].startswith("application/problem+json")


def test_me_says_who_calls_with_which_roles_and_scopes(api_of, client_of, validator, team):
    answer = api_of(validator, "read", "govern").get("/api/v1/me/").json()
    named = {"id": str(team.pk), "slug": "vision", "name": "Vision"}
    assert answer["email"] == validator.email
    assert answer["roles"] == [{"role": "validator", "team": named}]
    assert answer["teams"] == [named]
    assert answer["key"]["scopes"] == ["read", "govern"]
    assert "secret_hash" not in answer["key"]
    assert client_of(validator).get("/api/v1/me/").json()["key"] is None


def test_a_session_writes_only_with_its_csrf_token(client_of, admin):
    client = client_of(admin, enforce_csrf_checks=True)
    refused = client.post("/api/v1/teams/", {"name": "Audio"}, content_type="application/json")
    assert refused.status_code == 403
    assert not Team.objects.filter(slug="audio").exists()
    client.get("/accounts/logout/")  # a page with a form hands out the token
    token = client.cookies["csrftoken"].value
    made = client.post("/api/v1/teams/", {"name": "Audio"}, content_type="application/json", headers={"X-CSRFToken": token})
    assert made.status_code == 201


def test_people_are_listed_and_made_by_administrators(api_of, admin, scientist, auditor, story):
    for person in (scientist, auditor):
        refused = api_of(person).get("/api/v1/people/")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_administrator")
    made = api_of(admin).post("/api/v1/people/", {"email": "n@example.org", "name": "N", "time_zone": "Asia/Seoul"})
    assert made.status_code == 201
    assert made.json()["roles"] == []
    assert "password" not in made.json()
    listed = api_of(admin).get("/api/v1/people/").json()["results"]
    assert "n@example.org" in {each["email"] for each in listed}
    assert len(listed) == Person.objects.count()
    assert story() == ["person.made"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": "x", "name": "N"}, "invalid_input"),
        ({"email": "n@example.org"}, "invalid_input"),
        ({"email": "n@example.org", "name": "N", "time_zone": "Mars"}, "invalid_input"),
        ({"email": "n@example.org", "name": "N", "password": "hunter2"}, "invalid_input"),
        ([], "invalid_input"),
    ],
)
def test_bad_input_is_422_and_echoes_no_password(api_of, admin, body, code):
    answer = api_of(admin).post("/api/v1/people/", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "hunter2" not in answer.content.decode()


def test_roles_are_granted_and_revoked(api_of, admin, stranger, team, story):
    api = api_of(admin)
    address = f"/api/v1/people/{stranger.pk}/roles/"
    made = api.post(address, {"role": "validator", "team": str(team.pk)})
    assert (made.status_code, made.json()["team"]["slug"]) == (201, "vision")
    assert api.post(address, {"role": "validator", "team": str(team.pk)}).status_code == 409
    refused = api.post(address, {"role": "administrator"})
    assert (refused.status_code, refused.json()["code"]) == (403, "segregation")
    assert api.delete(f"{address}?role=validator").status_code == 409  # not held everywhere
    assert api.delete(f"{address}?role=validator&team={team.pk}").status_code == 204
    assert story() == ["role.granted", "attempt.refused", "role.revoked"]


def test_what_a_person_may_not_see_does_not_exist(api_of, scientist, stranger, validator, make_team):
    api = api_of(scientist)
    assert api.post(f"/api/v1/people/{stranger.pk}/roles/", {"role": "auditor"}).status_code == 404
    assert api.post(f"/api/v1/people/{uuid7()}/roles/", {"role": "auditor"}).status_code == 404
    refused = api.post(f"/api/v1/people/{validator.pk}/roles/", {"role": "auditor"})
    assert refused.status_code == 403  # seen, but not theirs to change
    hidden = make_team("hidden")
    answer = api.post(f"/api/v1/people/{validator.pk}/roles/", {"role": "auditor", "team": str(hidden.pk)})
    assert (answer.status_code, answer.json()["field"]) == (422, "team")
    unknown = api.post(f"/api/v1/people/{validator.pk}/roles/", {"role": "auditor", "team": str(uuid7())})
    assert answer.json()["detail"] == unknown.json()["detail"]


@pytest.mark.parametrize("query", ["", "?role=", "?role=king", "?role=auditor&team=x"])
def test_revoking_needs_a_known_role(api_of, admin, stranger, query):
    assert api_of(admin).delete(f"/api/v1/people/{stranger.pk}/roles/{query}").status_code == 422


def test_teams_are_listed_within_sight(api_of, admin, scientist, stranger, team, make_team):
    make_team("audio")
    slugs = {
        person: [each["slug"] for each in api_of(person).get("/api/v1/teams/").json()["results"]]
        for person in (admin, scientist, stranger)
    }
    assert slugs == {admin: ["audio", "vision"], scientist: ["vision"], stranger: []}
    assert api_of(scientist).post("/api/v1/teams/", {"name": "Mine"}).status_code == 403
    assert api_of(admin).post("/api/v1/teams/", {"name": "Audio"}).json()["code"] == "slug_taken"


def test_a_person_makes_lists_and_revokes_their_own_keys(api_of, client_of, scientist, other_scientist, story):
    body = {"name": "notebook", "scopes": ["read"], "expires_at": (now() + timedelta(days=9)).isoformat()}
    made = client_of(scientist).post("/api/v1/keys/", body, content_type="application/json")
    assert made.status_code == 201
    with_it = Client(headers={"Authorization": f"Bearer {made.json()['text']}"})
    listed = with_it.get("/api/v1/keys/").json()["results"]
    assert [key["name"] for key in listed] == ["notebook"]
    assert "text" not in listed[0]
    assert with_it.post("/api/v1/keys/", body, content_type="application/json").status_code == 403  # it may only read
    address = f"/api/v1/keys/{made.json()['id']}/"
    assert api_of(other_scientist).delete(address).status_code == 404
    assert client_of(scientist).delete(address).status_code == 204
    assert client_of(scientist).delete(address).status_code == 409
    assert with_it.get("/api/v1/keys/").status_code == 401
    assert story() == ["key.made", "key.revoked", "key.refused"]


def test_an_administrator_revokes_a_lost_key_of_somebody_else(api_of, admin, scientist, key_of):
    key_of(scientist)
    key = ApiKey.objects.get()
    assert api_of(admin).delete(f"/api/v1/keys/{key.pk}/").status_code == 204
    key.refresh_from_db()
    assert key.revoked_at is not None


@pytest.mark.parametrize("expires_at", ["", "soon", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", None])
def test_a_key_needs_a_day_within_the_year(client_of, scientist, expires_at):
    body = {"name": "x", "scopes": ["read"], "expires_at": expires_at}
    assert client_of(scientist).post("/api/v1/keys/", body, content_type="application/json").status_code == 422


def count_queries(client, address):
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


@pytest.mark.parametrize("address", ["/api/v1/people/", "/api/v1/teams/", "/api/v1/keys/", "/api/v1/me/"])
def test_one_row_costs_as_many_queries_as_ten(client_of, admin, make_person, make_team, key_of, address):
    client = client_of(admin)
    key_of(admin)
    first = make_team("team")
    Membership.objects.create(person=admin, role="data_scientist", team=first)
    make_person("Nr. 1", ("validator", first), ("auditor", None))
    one = count_queries(client, address)
    for number in range(2, 11):
        team = make_team(f"team-{number}")
        make_person(f"Nr. {number}", ("validator", team), ("validator", first), ("auditor", None))
        Membership.objects.create(person=admin, role="data_scientist", team=team)
        key_of(admin)
    assert count_queries(client, address) == one


def test_long_lists_come_in_pages_by_key(api_of, admin, make_team):
    for number in range(5):
        make_team(f"team-{number}")
    api = api_of(admin)
    seen, address = [], "/api/v1/teams/?page_size=2"
    while address:
        page = api.get(address).json()
        seen += [each["slug"] for each in page["results"]]
        address = page["next"]
    assert seen == list(Team.objects.order_by("-pk").values_list("slug", flat=True))
