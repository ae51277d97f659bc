"""Keys: what they open, until when, and what is kept of them."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts import services
from accounts.models import ApiKey, Person
from core.clock import now
from core.errors import InvalidInput, NotAllowed, WrongState
from ledger.actors import INSTALLER
from ledger.models import Event

pytestmark = pytest.mark.django_db


def make(owner, *, by=None, days=30, scopes=("read",), **given):
    return services.make_key(
        owner, by=by or owner, name="CI", scopes=list(scopes), expires_at=now() + timedelta(days=days), **given
    )


def test_a_key_is_shown_once_and_only_its_digest_is_kept(scientist, story):
    key, text = make(scientist, scopes=("submit", "read"))
    prefix, secret = text.removeprefix("cs_").split("_", 1)
    assert (key.prefix, key.scopes) == (prefix, ["read", "submit"])
    assert key.secret_hash == "sha256:" + hashlib.sha256(secret.encode()).hexdigest()
    assert len(secret) == 43  # 32 bytes
    assert story() == ["key.made"]
    body = bytes(Event.objects.about(key).get().body).decode()
    assert secret not in body
    assert "CI" not in body  # its name is private
    assert key.secret_hash not in body


def test_no_two_keys_are_alike(scientist):
    texts = {make(scientist)[1] for _key in range(20)}
    assert len({text.split("_", 2)[2] for text in texts}) == len({text[:15] for text in texts}) == 20


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"days": 367}, "expires_at"),
        ({"days": 0}, "expires_at"),
        ({"days": -1}, "expires_at"),
        ({"scopes": ()}, "scopes"),
        ({"scopes": ("read", "sign")}, "scopes"),
    ],
)
def test_a_key_expires_within_a_year_and_has_known_scopes(scientist, frozen_clock, given, field):
    with pytest.raises(InvalidInput) as refusal:
        make(scientist, **given)
    assert refusal.value.facts == {"field": field}
    assert make(scientist, days=366)


def test_the_database_keeps_no_key_without_scopes_or_end(scientist):
    for wrong in ({"scopes": []}, {"scopes": ["sign"]}, {"expires_at": now() - timedelta(days=1)}):
        fields = {"scopes": ["read"], "expires_at": now() + timedelta(days=1)} | wrong
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiKey.objects.create(person=scientist, name="x", prefix="0" * 12, secret_hash="sha256:0", **fields)


def test_only_its_owner_makes_a_key(scientist, admin, story):
    with pytest.raises(NotAllowed, match="only they can make it"):
        make(scientist, by=admin)
    assert make(scientist, by=INSTALLER)
    assert story() == ["attempt.refused", "key.made"]


def test_a_deactivated_person_gets_no_key(scientist, admin):
    services.deactivate_person(Person.objects.get(pk=scientist.pk), by=admin)
    with pytest.raises(NotAllowed, match="deactivated"):
        make(scientist)


def test_a_key_makes_none_that_can_do_more_or_lives_longer(scientist):
    key, _text = make(scientist, days=10, scopes=("read", "administer"))
    with pytest.raises(NotAllowed) as refusal:
        make(scientist, through=key, days=5, scopes=("read", "submit"))
    assert refusal.value.code == "scope_exceeded"
    with pytest.raises(InvalidInput, match="expires"):
        make(scientist, through=key, days=11)
    made, _text = make(scientist, through=key, days=9)
    assert f'"made_with":"{key.pk}"' in bytes(Event.objects.about(made).get().body).decode()


def test_owner_and_administrator_revoke_and_nobody_else(scientist, other_scientist, admin, story):
    first, second = make(scientist)[0], make(scientist)[0]
    with pytest.raises(NotAllowed):
        services.revoke_key(first, by=other_scientist)
    services.revoke_key(first, by=scientist)
    services.revoke_key(second, by=admin)
    with pytest.raises(WrongState):
        services.revoke_key(first, by=scientist)
    assert story() == ["key.made", "key.made", "attempt.refused", "key.revoked", "key.revoked"]
    assert not ApiKey.objects.usable().exists()


# -- at the door ---------------------------------------------------------------------------------------------------------


def me(api, text):
    return api.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}")


def test_a_key_opens_the_api_for_its_owner(api_of, scientist):
    key, text = make(scientist)
    answer = me(api_of(), text)
    assert answer.status_code == 200
    assert answer.json()["id"] == str(scientist.pk)
    assert answer.json()["key"]["prefix"] == key.prefix
    assert text.split("_", 2)[2] not in answer.content.decode()


def spoil(kind, scientist, admin, clock):
    key, text = make(scientist)
    if kind == "revoked":
        services.revoke_key(key, by=scientist)
    elif kind == "expired":
        clock.advance(days=30)
    elif kind == "inactive":
        Person.objects.filter(pk=scientist.pk).update(is_active=False)  # even if its keys were not revoked
    elif kind == "wrong secret":
        text = text[:-1] + ("A" if text[-1] != "A" else "B")
    elif kind == "unknown":
        text = f"cs_{'0' * 12}_{text.split('_', 2)[2]}"
    elif kind == "not a key":
        text = "hello"
    elif kind == "no text":
        text = ""
    elif kind == "two":
        text = f"{text} {text}"
    elif kind == "line":
        text = f"{text}\u00e9"
    return text


@pytest.mark.parametrize(
    "kind", ["revoked", "expired", "inactive", "wrong secret", "unknown", "not a key", "no text", "two", "line"]
)
def test_a_key_that_opens_nothing_says_nothing_more(api_of, scientist, admin, frozen_clock, story, kind):
    text = spoil(kind, scientist, admin, frozen_clock)
    answer = me(api_of(), text)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"].startswith("application/problem+json")
    assert answer.json()["detail"] == "This key opens nothing: it is unknown, expired or revoked. Make a new one."
    assert story()[-1] == "key.refused"


def test_wrong_keys_are_counted_so_that_nobody_floods_the_log(api_of, db, frozen_clock, story):
    api = api_of()
    for _attempt in range(25):
        me(api, "cs_wrong")
    assert story() == ["key.refused", "key.refused"]  # the first and the tenth
    frozen_clock.advance(minutes=1)
    me(api, "cs_wrong")
    assert len(story()) == 3
    last = Event.objects.in_order().last()
    assert last.actor_id == "gate"
    assert last.subject_type == "source"
    assert "127.0.0.1" not in bytes(last.body).decode() + last.subject_id


def test_many_sources_do_not_flood_the_log_either(api_of, db, frozen_clock, story):
    api = api_of()
    for number in range(80):
        api.get("/api/v1/me/", HTTP_AUTHORIZATION="Bearer x", REMOTE_ADDR=f"10.0.0.{number}")
    assert len(story()) == 60


def test_last_use_is_noted_once_a_minute(api_of, scientist, frozen_clock, django_assert_num_queries):
    key, text = make(scientist)
    api = api_of()
    me(api, text)
    key.refresh_from_db()
    first = key.last_used_at
    assert first == frozen_clock.now
    frozen_clock.advance(seconds=59)
    me(api, text)
    key.refresh_from_db()
    assert key.last_used_at == first
    frozen_clock.advance(seconds=2)
    me(api, text)
    key.refresh_from_db()
    assert key.last_used_at == frozen_clock.now


def test_each_scope_opens_its_own_and_no_more(api_of, scientist, admin):
    assert api_of(scientist, "submit").get("/api/v1/me/").json()["code"] == "scope_missing"
    refused = api_of(admin, "read").post("/api/v1/teams/", {"name": "Audio"})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert "administer" in refused.json()["detail"]
    assert api_of(admin, "administer").post("/api/v1/teams/", {"name": "Audio"}).status_code == 201
    assert api_of(admin, "read").get("/api/v1/people/").status_code == 403
    assert api_of(admin, "administer").get("/api/v1/people/").status_code == 200


def test_a_view_that_names_no_scope_lets_no_key_write(api_of, admin, monkeypatch):
    monkeypatch.delattr("accounts.api.Teams.write_scope")
    refused = api_of(admin).post("/api/v1/teams/", {"name": "Audio"})
    assert (refused.status_code, refused.json()["code"]) == (403, "no_keys_here")
