"""The database refuses to change what was recorded, whoever asks and in whatever way."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from ledger import installation, protection, sequencer
from ledger.models import Event, Leaf, Pending, Seal, Tree
from tests.ledger.things import Thing

TABLES = {"ledger_event": "id", "ledger_leaf": "index", "ledger_seal": "id"}
WAYS = {
    "update": 'UPDATE {table} SET "{key}" = "{key}"',
    "delete": "DELETE FROM {table}",
    "truncate": "TRUNCATE {table} CASCADE",
    "upsert": 'INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ("{key}") DO UPDATE SET "{key}" = EXCLUDED."{key}"',
    "merge": 'MERGE INTO {table} USING {table} AS s ON {table}."{key}" = s."{key}" WHEN MATCHED THEN DELETE',
}


def run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else TRUNCATE stops at the test's own unfinished checks
        for statement in statements:
            cursor.execute(statement)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("table", TABLES)
def test_no_statement_changes_a_recorded_row(sealed_log: list[Any], table: str, way: str) -> None:
    with pytest.raises(IntegrityError, match="append-only") as refused:
        run(WAYS[way].format(table=table, key=TABLES[table]))
    assert refused.value.__cause__.pgcode == "23001"


@pytest.mark.parametrize("table", TABLES)
def test_a_session_that_calls_itself_a_replica_changes_nothing_either(sealed_log: list[Any], table: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        run("SET LOCAL session_replication_role = replica", WAYS["delete"].format(table=table))


@pytest.mark.parametrize("model", [Event, Leaf, Seal])
def test_the_rows_say_readably_that_they_are_append_only(sealed_log: list[Any], model: Any) -> None:
    for change in (
        lambda: model.objects.all().delete(),
        lambda: model.objects.update(pk=1),
        lambda: model.objects.bulk_update([], ["pk"]),
    ):
        with pytest.raises(TypeError, match="append-only"):
            change()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.first().save()


def test_every_event_waits_in_the_outbox_even_when_it_was_inserted_by_a_replica(db: None, note: Callable[..., Any]) -> None:
    [first] = note(1)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "INSERT INTO ledger_event SELECT gen_random_uuid(), type, at, actor_kind, actor_id, subject_type, subject_id,"
            " subject_seq, request_id, body, leaf_hash FROM ledger_event"
        )
    assert Pending.objects.exclude(event_id=first).count() == 1


def test_triggers_that_were_dropped_or_disabled_are_missed_and_stand_again_after_an_installation(db: None) -> None:
    assert protection.missing() == []
    run("DROP TRIGGER ledger_no_change ON ledger_leaf", "ALTER TABLE ledger_seal DISABLE TRIGGER USER")
    assert protection.missing() == [
        "ledger_leaf.ledger_no_change",
        "ledger_seal.ledger_no_change",
        "ledger_seal.ledger_no_truncate",
    ]
    installation.install()
    assert protection.missing() == []


def test_the_migration_goes_down_and_up_again(db: None) -> None:
    run()
    frozen = import_module("ledger.migrations.0002_append_only").Migration.operations[0]
    run(*frozen.reverse_sql)
    assert {"ledger_event.ledger_enqueue", "ledger_event.ledger_no_change"} <= set(protection.missing())
    run(*frozen.sql)
    assert [name for name in protection.missing() if name.startswith("ledger_")] == []


def test_a_table_can_be_protected_for_some_of_its_rows(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "_protected", {})
    protection.protect(Thing, when="OLD.state = 'published'")
    protection.install()
    draft = Thing.objects.create(state="draft")
    Thing.objects.filter(pk=draft.pk).update(name="still changes", state="published")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        Thing.objects.filter(pk=draft.pk).update(name="too late")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        draft.delete()
    with pytest.raises(IntegrityError, match="append-only"):
        run(f"TRUNCATE {Thing._meta.db_table}")


def test_the_installation_can_run_again_over_a_log_in_use(sealed_log: list[Any]) -> None:
    before = Tree.objects.values().get()
    run()  # no unfinished checks of this test's own
    installation.install()
    assert Tree.objects.values().get() == before


def test_nobody_flushes_a_database_outside_tests(db: None, settings: Any) -> None:
    settings.TESTING = False
    with pytest.raises(CommandError, match="append-only"):
        call_command("flush", interactive=False, verbosity=0)


def test_nobody_flushes_a_database_that_is_not_a_test_s_own(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "countersign")
    with pytest.raises(CommandError, match="append-only"):
        call_command("flush", interactive=False, verbosity=0)


def test_a_test_s_flush_leaves_an_empty_tree_and_every_trigger(committed: None, note: Callable[..., Any]) -> None:
    [gone, _] = note(2)
    sequencer.sequence()
    call_command("flush", interactive=False, verbosity=0)
    assert not Event.objects.filter(pk=gone).exists()
    assert Tree.objects.get().size == 0
    assert protection.missing() == []
    assert Pending.objects.count() == Event.objects.count()  # what contexts install again afterwards waits for its place
