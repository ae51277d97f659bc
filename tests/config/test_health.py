"""Is it alive, can it serve: both answered to anybody, with the part that does not answer and nothing more."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config import health


@pytest.fixture(autouse=True)
def asked_for_the_first_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_migrated", [False])


@pytest.mark.django_db
def test_everything_answers(client_of: Any) -> None:
    assert client_of().get("/healthz").json() == {"status": "ok"}
    answer = client_of().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "parts": {"database": "ok", "redis": "ok"}})
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_asking_again_reads_no_migrations(client_of: Any, django_assert_num_queries: Any) -> None:
    client_of().get("/readyz")
    with django_assert_num_queries(1):
        client_of().get("/readyz")


@pytest.mark.django_db
def test_a_database_without_its_migrations_is_not_ready(client_of: Any) -> None:
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("governance")
    MigrationRecorder(connection).record_unapplied(*newest)
    answer = client_of().get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"database": "waits for migrations", "redis": "ok"})


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_named_and_life_goes_on(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens at that port: a real connection that really fails."""
    client = client_of()
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "unavailable", "parts": {"database": "does not answer", "redis": "ok"}},
    )
    assert client.get("/healthz").status_code == 200
    monkeypatch.undo()
    connection.close()


@pytest.mark.django_db
def test_a_redis_that_does_not_answer_is_named(client_of: Any, settings: Any) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    answer = client_of().get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"database": "ok", "redis": "does not answer"})


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_they_are_only_read(client_of: Any, address: str) -> None:
    assert client_of().post(address).status_code == 405
