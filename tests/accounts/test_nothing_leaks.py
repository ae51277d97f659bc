"""No password, key or code in a log line or an event; every event type is documented."""

from __future__ import annotations

import dataclasses
import logging
from datetime import timedelta

import pytest
from django.test import Client

from accounts import events, services
from accounts.models import Person
from accounts.services import ProofFailed, prove
from core.clock import now
from core.logs import OneJsonObject
from ledger.events import Event as Fact
from ledger.models import Event, PrivateValue
from tests.conftest import PASSWORD

WRONG = "wrong-" + PASSWORD


@pytest.mark.django_db
def test_no_password_key_or_code_is_written_anywhere(admin, api_of, authenticators, caplog):
    caplog.set_level(logging.DEBUG)
    person = services.make_person(by=admin, email="eve@example.org", name="Eve Example", password=PASSWORD)
    Person.objects.filter(pk=person.pk).update(password_is_handed=False)  # she chose it herself
    _key, text = services.make_key(person, by=person, name="Eve's own", scopes=["read"], expires_at=now() + timedelta(days=1))
    authenticators.enrol(person)
    code = authenticators.code()
    with pytest.raises(ProofFailed):
        prove(person, password=WRONG, code=code)
    with pytest.raises(ProofFailed):
        prove(person, password=PASSWORD, code="not-a-code")
    prove(person, password=PASSWORD, code=code)
    client = Client()
    client.post("/accounts/login/", {"login": person.email, "password": WRONG})
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": "not-a-code"})
    api = api_of()
    api.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text}")
    api.get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {text[:-1]}")
    api_of(admin).post("/api/v1/people/", {"email": "z@example.org", "name": "Z", "password": WRONG})

    lines = caplog.text + "".join(OneJsonObject().format(record) for record in caplog.records)
    bodies = "".join(bytes(event.body).decode() for event in Event.objects.all())
    private = "".join(PrivateValue.objects.values_list("value", flat=True))
    secret = text.split("_", 2)[2]
    for word in (PASSWORD, WRONG, secret, secret[:-1], "not-a-code", authenticators.SECRET):
        assert word not in lines + bodies + private
    for word in ("Eve", "eve@example.org"):
        assert word not in lines + bodies


def declared():
    return [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Fact) and kind is not Fact]


@pytest.mark.parametrize("kind", declared(), ids=lambda kind: kind.__name__)
def test_each_event_says_what_happened_and_names_nobody(kind):
    assert kind.__doc__.strip().endswith(".")
    for field in dataclasses.fields(kind):
        if kind is events.TeamMade:  # a team's name is nobody's
            continue
        if field.name in {"name", "email", "comment"}:
            assert field.type == "Private", f"{kind.__name__}.{field.name} would stand in the log for ever"
