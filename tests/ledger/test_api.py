"""The log over HTTP: the seal for anybody, entries only for those to whom a rule opens them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.models import Q

from core.registry import Registry
from ledger import sequencer, services, visibility
from ledger.events import Ref
from ledger.merkle import hash_leaf, is_consistent, root_from_inclusion
from ledger.models import Event
from ledger.notes import open_note, read_head, read_vkey
from ledger.signer import verifier_key

pytestmark = pytest.mark.urls("ledger.api_urls")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry[Any]]:
    """Rules of visibility of the test's own."""
    rules: Registry[Any] = Registry("rule of visibility")
    monkeypatch.setattr(visibility, "entries_visible_to", rules)
    yield rules


@pytest.fixture
def reader(api_of: Callable[..., Any], auditor: Any, opened: Registry[Any]) -> Any:
    """A client that sees every entry."""
    opened.register("all", lambda person: Q())
    return api_of(auditor)


def test_anybody_may_fetch_the_newest_seal(sealed_log: list[Any], api_of: Callable[..., Any]) -> None:
    for accept in ({}, {"HTTP_ACCEPT": "text/plain"}, {"HTTP_ACCEPT": "*/*"}, {"HTTP_ACCEPT": "application/json"}):
        answer = api_of(None).get("/log/seal/", **accept)
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert answer.content.decode() == services.latest_seal().note
        name, public = read_vkey(verifier_key())
        assert read_head(open_note(answer.content.decode(), name=name, public=public)).size == 7


def test_a_log_without_a_seal_says_so(db: None, api_of: Callable[..., Any]) -> None:
    answer = api_of(None).get("/log/seal/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not_found"


def test_anybody_may_ask_whether_one_seal_continues_another(
    sealed_log: list[Any], note: Callable[..., Any], api_of: Callable[..., Any]
) -> None:
    old = services.latest_seal()
    note(4)
    new = services.sequence_and_seal()
    assert old is not None
    assert new is not None
    answer = api_of(None).get("/log/consistency/", {"first": old.size, "second": new.size})
    assert answer.status_code == 200
    proof = [base64.b64decode(node) for node in answer.json()["hashes"]]
    assert is_consistent(old.size, new.size, old.root, new.root, proof)


@pytest.mark.parametrize(
    "asked", ["", "first=1", "first=x&second=2", "first=3&second=2", f"first=1&second={2**60}", "first=-1&second=1"]
)
def test_sizes_that_the_log_never_had_are_refused(sealed_log: list[Any], api_of: Callable[..., Any], asked: str) -> None:
    assert api_of(None).get(f"/log/consistency/?{asked}").status_code == 422


def test_without_a_rule_nobody_sees_an_entry(
    sealed_log: list[Any], api_of: Callable[..., Any], auditor: Any, opened: Any
) -> None:
    assert api_of(auditor).get("/log/entries/").json()["results"] == []
    assert api_of(auditor).get("/log/entries/0/").status_code == 404
    assert api_of(None).get("/log/entries/").status_code == 401
    assert api_of(None).get("/log/entries/0/").status_code == 401


def test_rules_open_entries_and_add_up(
    sealed_log: list[Any], api_of: Callable[..., Any], auditor: Any, stranger: Any, opened: Any
) -> None:
    opened.register("auditors", lambda person: Q() if person == auditor else None)
    opened.register("second thing", lambda person: Q(subject_type="thing", subject_id="2"))
    assert [entry["index"] for entry in api_of(auditor).get("/log/entries/").json()["results"]] == [6, 5, 4, 3, 2, 1, 0]
    assert [entry["index"] for entry in api_of(stranger).get("/log/entries/").json()["results"]] == [5, 4]
    assert api_of(stranger).get("/log/entries/4/").status_code == 200
    for hidden in (0, 7, 2**80):
        assert api_of(stranger).get(f"/log/entries/{hidden}/").status_code == 404


def test_an_entry_comes_with_everything_that_checks_it(sealed_log: list[Any], reader: Any) -> None:
    entry = reader.get("/log/entries/2/").json()
    event = Event.objects.get(pk=sealed_log[2])
    assert entry["body"].encode() == event.body
    assert entry["hash"] == "sha256:" + hash_leaf(event.body).hex()
    assert entry["on"] == {"type": "thing", "id": "1", "seq": 3}
    assert entry["actor"] == {"kind": "system", "id": "worker"}
    name, public = read_vkey(verifier_key())
    head = read_head(open_note(entry["seal"], name=name, public=public))
    proof = [base64.b64decode(node) for node in entry["proof"]]
    assert root_from_inclusion(hash_leaf(entry["body"].encode()), 2, head.size, proof) == head.root
    assert "a remark" not in entry["body"]


def test_an_entry_that_is_not_sealed_yet_has_no_proof(sealed_log: list[Any], note: Callable[..., Any], reader: Any) -> None:
    note(1)
    sequencer.sequence()
    entry = reader.get("/log/entries/7/").json()
    assert (entry["proof"], entry["seal"]) == (None, None)


def test_a_list_of_entries_costs_the_same_at_1_and_at_10_rows(
    note: Callable[..., Any], reader: Any, django_assert_num_queries: Any
) -> None:
    note(1, on=Ref("thing", "1"))
    services.sequence_and_seal()
    reader.get("/log/entries/")  # the key's `last_used_at` is written once a minute
    with django_assert_num_queries(2):  # the key with its person, the page with its events
        assert len(reader.get("/log/entries/").json()["results"]) == 1
    note(9, on=Ref("thing", "1"))
    services.sequence_and_seal()
    with django_assert_num_queries(2):
        assert len(reader.get("/log/entries/").json()["results"]) == 10


def test_a_list_of_entries_is_paged_by_key(note: Callable[..., Any], reader: Any) -> None:
    note(10)
    services.sequence_and_seal()
    first = reader.get("/log/entries/", {"page_size": 4}).json()
    second = reader.get(first["next"]).json()
    assert [entry["index"] for entry in first["results"] + second["results"]] == [9, 8, 7, 6, 5, 4, 3, 2]
