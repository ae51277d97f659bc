"""The whole log recomputed: whatever was changed behind the triggers, the entry is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from ledger import services
from ledger.events import Ref
from ledger.fsck import fsck
from ledger.merkle import hash_leaf
from ledger.models import Event, Node, Pending, PrivateValue, Tree

THIRD = 2  # index of the entry that is damaged below


def without_triggers(table: str, statement: str, values: list[Any]) -> None:
    """What the owner of the tables can do: switch the triggers off, change, switch them on again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        for name in ("ledger_no_change", "ledger_no_truncate"):
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
        if table == "ledger_event":
            cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER ledger_enqueue")


def test_an_untouched_log_holds(sealed_log: list[Any], note: Callable[..., Any], capsys: Any) -> None:
    note(2, on=Ref("thing", "1"))  # what still waits is no damage
    result = fsck()
    assert (result.holds, result.size, result.sentence) == (True, 7, "7 entries and 1 seals hold.")
    call_command("log", "verify")
    assert capsys.readouterr().out == "The log is intact. 7 entries and 1 seals hold.\n"


def test_a_log_that_never_began_holds(db: None) -> None:
    assert fsck().holds


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("SET body = %(forged)s", "the body is not what entered the log"),
        ("SET body = %(forged)s, leaf_hash = %(forged_hash)s", "the body is not what entered the log"),
        ("SET leaf_hash = %(forged_hash)s", "the stored hash is not the hash of the body"),
        ("SET type = 'thing.closed'", "the column type says something else"),
        ("SET actor_id = 'somebody-else'", "the column actor_id says something else"),
        ("SET at = at + interval '1 second'", "the column at says something else"),
        ("SET subject_id = '9'", "the column subject_id says something else"),
        ("SET request_id = 'another'", "the column request_id says something else"),
    ],
)
def test_a_row_changed_with_triggers_disabled_is_named(sealed_log: list[Any], change: str, says: str) -> None:
    entry = Event.objects.get(pk=sealed_log[THIRD])
    forged = entry.body.replace(b'"number":2', b'"number":3')
    assert forged != entry.body
    without_triggers(
        "ledger_event",
        f"UPDATE ledger_event {change} WHERE id = %(id)s",
        {"forged": forged, "forged_hash": hash_leaf(forged), "id": entry.pk},
    )
    result = fsck()
    assert (result.holds, result.index, result.event_id) == (False, THIRD, str(entry.pk))
    assert says in result.sentence
    with pytest.raises(CommandError, match=f"Entry {THIRD} "):
        call_command("log", "verify")


def test_a_body_and_every_hash_of_it_changed_is_named_by_the_tree(sealed_log: list[Any]) -> None:
    entry = Event.objects.get(pk=sealed_log[THIRD])
    forged = entry.body.replace(b'"number":2', b'"number":3')
    digest = hash_leaf(forged)
    without_triggers("ledger_event", "UPDATE ledger_event SET body=%s, leaf_hash=%s WHERE id=%s", [forged, digest, entry.pk])
    without_triggers("ledger_leaf", 'UPDATE ledger_leaf SET hash=%s WHERE "index"=%s', [digest, THIRD])
    result = fsck()
    assert (result.holds, result.index) == (False, THIRD)
    assert result.sentence == "The tree no longer matches the entries 2 to 3."


def test_an_entry_taken_out_is_named(sealed_log: list[Any]) -> None:
    without_triggers("ledger_leaf", 'DELETE FROM ledger_leaf WHERE "index"=%s', [THIRD])
    result = fsck()
    assert (result.holds, result.index, result.sentence) == (False, THIRD, "Entry 2 is missing from the log.")


def test_an_event_taken_out_is_named(sealed_log: list[Any]) -> None:
    PrivateValue.objects.filter(event_id=sealed_log[THIRD]).delete()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'ledger_leaf'::regclass AND contype = 'f'",
        )
        [(constraint,)] = cursor.fetchall()
        cursor.execute(f"ALTER TABLE ledger_leaf DROP CONSTRAINT {constraint}")
    without_triggers("ledger_event", "DELETE FROM ledger_event WHERE id=%s", [sealed_log[THIRD]])
    assert fsck().sentence == "Entry 2 is missing from the log."


def test_an_event_that_vanished_before_it_entered_the_log_is_missed(db: None, note: Callable[..., Any]) -> None:
    note(2, on=Ref("thing", "1"))
    [_, last] = note(2, on=Ref("thing", "1"))
    Pending.objects.filter(event_id=last).delete()
    result = fsck()
    assert (result.holds, result.event_id) == (False, str(last))
    assert "neither stands in the log nor waits" in result.sentence
    PrivateValue.objects.filter(event_id=last).delete()
    without_triggers("ledger_event", "DELETE FROM ledger_event WHERE id=%s", [last])
    assert fsck().sentence == "The last events on thing 1 are missing: 4 were recorded."


def test_a_damaged_tree_is_noticed(sealed_log: list[Any]) -> None:
    Node.objects.filter(level=2, index=0).update(hash=hash_leaf(b"other"))
    assert fsck().sentence == "The tree no longer matches the entries 0 to 3."


def test_a_damaged_root_is_noticed(sealed_log: list[Any]) -> None:
    Tree.objects.update(root=hash_leaf(b"other"))
    assert fsck().sentence == "The stored root is not the root of the entries."


def test_a_damaged_seal_is_noticed(sealed_log: list[Any]) -> None:
    without_triggers("ledger_seal", "UPDATE ledger_seal SET root = %s", [hash_leaf(b"other")])
    assert fsck().sentence == "The seal over 7 entries differs from its signed text."
    without_triggers("ledger_seal", "UPDATE ledger_seal SET note = replace(note, %s, %s)", ["\n7\n", "\n6\n"])
    assert fsck().sentence == "The seal over 7 entries is not signed by the log's key."


def test_a_private_value_that_was_swapped_is_noticed(sealed_log: list[Any]) -> None:
    PrivateValue.objects.filter(event_id=sealed_log[0]).update(value="another remark")
    result = fsck()
    assert (result.holds, result.event_id) == (False, str(sealed_log[0]))
    assert "is not the one that the log is committed to" in result.sentence


def test_missing_protection_is_noticed(sealed_log: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER ledger_no_truncate ON ledger_event")
    assert "ledger_event.ledger_no_truncate is not in force" in fsck().sentence


def test_work_that_goes_on_meanwhile_is_no_damage(
    committed: None, note: Callable[..., Any], together: Callable[..., list[Any]]
) -> None:
    note(3, on=Ref("thing", "1"))
    services.sequence_and_seal()
    checking = [True]

    def work() -> None:
        while checking[0]:
            note(2, on=Ref("thing", "1"))
            services.sequence_and_seal()

    def check() -> list[str]:
        try:
            return [result.sentence for result in (fsck() for _ in range(15)) if not result.holds]
        finally:
            checking[0] = False

    assert together(work, check) == [None, []]
