"""Seals and proofs: what the signer signs, and what it refuses."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from core.errors import InvalidInput, Missing
from ledger import proofs, sequencer, services, signer
from ledger.events import Ref
from ledger.fsck import fsck
from ledger.merkle import Frontier, hash_leaf, is_consistent, root_from_inclusion
from ledger.models import Event, Leaf, Node, Seal, Tree
from ledger.notes import open_note, read_head, read_vkey
from ledger.tasks import sequence_and_seal


def folder(settings: Any) -> Path:
    return Path(settings.SEALS_DIR)


def sql(*statements: str, suspended: str = "") -> None:
    """Raw SQL, as somebody who holds the whole database would send it; `suspended` names the table without its triggers."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if suspended:
            cursor.execute(f"ALTER TABLE {suspended} DISABLE TRIGGER USER")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if suspended:
            cursor.execute(f"ALTER TABLE {suspended} ENABLE TRIGGER USER")


def rewrite(change: Callable[[bytes], bytes]) -> None:
    """A whole new log over changed bodies, made with all care: hashes, places, nodes and tree fit together."""
    frontier, nodes = Frontier(), []
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("ledger_event", "ledger_leaf"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for leaf in Leaf.objects.select_related("event").order_by("index"):
            body = change(leaf.event.body)
            cursor.execute("UPDATE ledger_event SET body=%s, leaf_hash=%s WHERE id=%s", [body, hash_leaf(body), leaf.event_id])
            cursor.execute('UPDATE ledger_leaf SET hash=%s WHERE "index"=%s', [hash_leaf(body), leaf.index])
            nodes += list(frontier.append(hash_leaf(body)))
        for level, index, node in nodes:
            cursor.execute('UPDATE ledger_node SET hash=%s WHERE level=%s AND "index"=%s', [node, level, index])
        for table in ("ledger_event", "ledger_leaf"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    Tree.objects.update(root=frontier.root(), peaks=b"".join(frontier.peaks))


def forge(body: bytes) -> bytes:
    return body.replace(b'"number":2', b'"number":9')


def test_a_seal_is_a_note_that_the_log_s_key_signed_over_size_and_root(sealed_log: list[Any], settings: Any) -> None:
    seal = services.latest_seal()
    assert seal is not None
    name, public = read_vkey(signer.verifier_key())
    head = read_head(open_note(seal.note, name=name, public=public))
    assert (head.origin, head.size, head.root) == (settings.LOG_ORIGIN, 7, Tree.objects.get().root)
    assert (seal.size, seal.root) == (7, head.root)


def test_every_sealed_event_has_a_proof_that_leads_to_the_seal_s_root(sealed_log: list[Any]) -> None:
    seal = services.latest_seal()
    assert seal is not None
    for place, event_id in enumerate(sealed_log):
        proof = services.proof_of(event_id)
        body = Event.objects.get(pk=event_id).body
        assert (proof.index, proof.seal) == (place, seal)
        assert root_from_inclusion(hash_leaf(body), place, seal.size, proof.hashes) == seal.root
        assert proof.text().startswith(f"c2sp.org/tlog-proof@v1\nindex {place}\n")
        assert proof.text().endswith("\n\n" + seal.note)


def test_proofs_of_many_events_cost_as_many_queries_as_the_proof_of_one(
    sealed_log: list[Any], django_assert_num_queries: Any
) -> None:
    for asked in (sealed_log[:1], sealed_log):
        with django_assert_num_queries(4):
            assert len(services.proofs_of(asked)) == len(asked)


def test_an_event_without_a_seal_has_no_proof_yet(db: None, note: Callable[..., Any]) -> None:
    [first] = note(1)
    with pytest.raises(Missing, match="not under a seal yet"):
        services.proof_of(first)
    services.sequence_and_seal()
    assert services.proof_of(first).index == 0


def test_each_seal_continues_the_one_before(db: None, note: Callable[..., Any]) -> None:
    seals = []
    for _ in range(5):
        note(3)
        seals.append(services.sequence_and_seal())
    for older in seals:
        for newer in seals[seals.index(older) :]:
            proof = proofs.consistency(older.size, newer.size)
            assert is_consistent(older.size, newer.size, older.root, newer.root, proof)
    with pytest.raises(InvalidInput):
        proofs.consistency(3, 16)


def test_an_unchanged_log_is_sealed_once_and_an_empty_one_not_at_all(db: None, note: Callable[..., Any]) -> None:
    assert services.sequence_and_seal() is None
    note(1)
    assert services.sequence_and_seal() == services.sequence_and_seal()
    assert Seal.objects.count() == 1


def test_the_key_is_made_once_for_its_owner_alone_and_never_logged(
    sealed_log: list[Any], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(settings.KEYS_DIR) / signer.KEY_FILE
    kept = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == [signer.KEY_FILE]
    with caplog.at_level(logging.DEBUG):
        signer._make_key(path)  # a process that came second
        services.seal_now()
    assert path.read_bytes() == kept
    assert "PRIVATE" not in caplog.text


def test_seals_lie_outside_the_database(sealed_log: list[Any], note: Callable[..., Any], settings: Any) -> None:
    note(1)
    services.sequence_and_seal()
    assert (folder(settings) / signer.MEMORY_FILE).read_text() == services.latest_seal().note
    lines = (folder(settings) / signer.HISTORY_FILE).read_text().splitlines()
    assert [json.loads(line)["size"] for line in lines] == [7, 8]


def test_a_crash_between_signature_and_row_is_made_good(sealed_log: list[Any], note: Callable[..., Any]) -> None:
    note(1)
    sequencer.sequence()
    tree = Tree.objects.get()
    _, signed = signer.seal_head(present=lambda: (8, tree.root), prove=proofs.consistency)
    assert fsck().holds
    assert services.seal_now().note == signed
    assert fsck().holds


def test_a_process_that_is_overtaken_by_another_seal_sees_no_damage(
    sealed_log: list[Any], note: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = signer._alone

    def overtaken() -> Any:
        monkeypatch.setattr(signer, "_alone", alone)
        note(3)
        services.sequence_and_seal()  # by the other process, while this one waits for its turn
        return alone()

    note(1)
    monkeypatch.setattr(signer, "_alone", overtaken)
    assert services.sequence_and_seal().size == 11


def test_nothing_is_sealed_that_could_still_be_rolled_back(committed: None, note: Callable[..., Any]) -> None:
    note(1)
    for seal in (services.sequence_and_seal, services.seal_now, sequencer.sequence):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            seal()
    assert Seal.objects.count() == 0


def test_the_signer_refuses_a_rewritten_log(sealed_log: list[Any], note: Callable[..., Any], settings: Any) -> None:
    before = (folder(settings) / signer.MEMORY_FILE).read_text()
    rewrite(forge)
    with pytest.raises(signer.SealRefused, match="not those that were sealed"):
        services.seal_now()
    note(2)
    with pytest.raises(signer.SealRefused, match="not those that were sealed"):
        services.sequence_and_seal()
    assert Seal.objects.count() == 1
    assert (folder(settings) / signer.MEMORY_FILE).read_text() == before
    assert "is not what was sealed" in fsck().sentence


def test_a_log_rewritten_together_with_its_seals_is_caught_by_the_signer_s_memory(sealed_log: list[Any]) -> None:
    sql("DELETE FROM ledger_seal", suspended="ledger_seal")
    rewrite(forge)
    with pytest.raises(signer.SealRefused, match="not those that were sealed"):
        services.seal_now()
    assert fsck().sentence == "Up to entry 6 the log is not what the signer sealed."


def test_the_signer_refuses_a_log_that_became_shorter(sealed_log: list[Any]) -> None:
    smaller = Frontier()
    smaller.extend(Leaf.objects.filter(index__lt=5).order_by("index").values_list("hash", flat=True))
    sql('DELETE FROM ledger_leaf WHERE "index" >= 5', suspended="ledger_leaf")
    sql("DELETE FROM ledger_seal", suspended="ledger_seal")
    Tree.objects.update(size=5, root=smaller.root(), peaks=b"".join(smaller.peaks))
    with pytest.raises(signer.SealRefused, match="holds 5 entries, but 7 were sealed"):
        services.seal_now()
    assert "sealed 7 entries and the log now holds 5" in fsck().sentence


def test_the_signer_refuses_to_start_over_without_its_memory_or_its_key(sealed_log: list[Any], settings: Any) -> None:
    memory = (folder(settings) / signer.MEMORY_FILE).rename(folder(settings) / "elsewhere")
    with pytest.raises(signer.SealRefused, match="sealed before"):
        services.seal_now()
    memory.rename(folder(settings) / signer.MEMORY_FILE)
    services.seal_now()
    key = Path(settings.KEYS_DIR) / signer.KEY_FILE
    key.rename(key.with_suffix(".kept"))
    with pytest.raises(signer.SealRefused, match="is missing though the log was sealed"):
        services.seal_now()
    assert not key.exists()


def test_the_signer_refuses_a_memory_that_its_key_did_not_sign(sealed_log: list[Any], settings: Any) -> None:
    memory = folder(settings) / signer.MEMORY_FILE
    memory.write_text(memory.read_text().replace("\n7\n", "\n6\n"))
    with pytest.raises(signer.SealRefused, match="not signed by this log's key"):
        services.seal_now()
    assert not fsck().holds


def test_the_clock_s_task_seals_and_reports_a_refusal(
    sealed_log: list[Any], note: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    note(1)
    sequence_and_seal()
    assert services.latest_seal().size == 8
    rewrite(forge)
    with caplog.at_level(logging.ERROR):
        sequence_and_seal()
    assert "The log was not sealed" in caplog.text


def test_a_damaged_node_cannot_lead_to_a_seal(sealed_log: list[Any], note: Callable[..., Any]) -> None:
    note(1)
    Node.objects.filter(level=2, index=0).update(hash=hash_leaf(b"other"))
    with pytest.raises(signer.SealRefused):
        services.sequence_and_seal()


def test_the_command_seals_and_names_the_key(db: None, note: Callable[..., Any], capsys: Any) -> None:
    call_command("log", "seal")
    assert "nothing to seal" in capsys.readouterr().out
    note(1, on=Ref("thing", "1"))
    call_command("log", "seal")
    assert "\n1\n" in capsys.readouterr().out
    call_command("log", "key")
    assert capsys.readouterr().out.strip() == signer.verifier_key()
