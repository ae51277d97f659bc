"""Acts: what they record, what they move, and what a rollback takes back."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import TextChoices

from core.canonical import canonical_bytes
from core.clock import frozen
from core.errors import DomainError, InvalidInput, NotAllowed, WrongState
from core.logs import request_id
from ledger import events
from ledger.actors import WORKER, System
from ledger.acts import act
from ledger.events import Event, Private, Ref, event
from ledger.merkle import hash_leaf
from ledger.models import Entry, Pending, PrivateValue, Subject
from ledger.private import commitment
from tests.ledger.things import CLOSE, SHELVE, Thing, ThingClosed, ThingNoted, ThingShelved

Story = Callable[[], list[str]]


def test_an_event_is_the_canonical_bytes_of_what_was_done(db: None, ada: System) -> None:
    thing = Thing.objects.create()
    token = request_id.set("request-0001")
    try:
        with frozen(datetime(2026, 5, 4, 3, 2, 1, 7, tzinfo=UTC)), act(ada) as this:
            made = this.record(ThingNoted(number=3, comment=Private("well done")), on=thing)
    finally:
        request_id.reset(token)
    entry = Entry.objects.get(pk=made)
    disclosed = PrivateValue.objects.get(event=entry)
    assert json.loads(entry.body) == {
        "id": str(made),
        "type": "thing.noted",
        "v": 1,
        "at": "2026-05-04T03:02:01.000007Z",
        "actor": {"kind": "person", "id": "0197-ada"},
        "on": {"type": "thing", "id": str(thing.pk), "seq": 1},
        "data": {"number": 3, "comment": {"commitment": commitment("comment", "well done", salt=disclosed.salt)}},
        "request": "request-0001",
    }
    assert canonical_bytes(json.loads(entry.body)) == entry.body
    assert entry.leaf_hash == hash_leaf(entry.body)
    assert (disclosed.path, disclosed.value, disclosed.person, len(disclosed.salt)) == ("comment", "well done", "0197-ada", 32)
    assert b"well done" not in entry.body


def test_a_subject_has_its_events_numbered_without_a_gap(db: None, note: Callable[..., Any]) -> None:
    one, other = Ref("thing", "1"), Ref("thing", "2")
    note(2, on=one)
    with pytest.raises(RuntimeError), act(WORKER) as this:
        this.record(ThingNoted(), on=one)
        raise RuntimeError
    with act(WORKER) as this:
        this.record(ThingNoted(), on=one)
        this.record(ThingNoted(), on=other)
        this.record(ThingNoted(), on=one)
        this.record(ThingNoted())
    assert list(Entry.objects.about(one).in_order().values_list("subject_seq", flat=True)) == [1, 2, 3, 4]
    assert list(Entry.objects.about(other).values_list("subject_seq", flat=True)) == [1]
    assert list(Entry.objects.filter(subject_type="").values_list("subject_seq", flat=True)) == [0]


def test_a_rolled_back_act_leaves_no_event_no_value_and_no_number(db: None, story: Story) -> None:
    thing = Thing.objects.create()
    with pytest.raises(ZeroDivisionError), act(WORKER) as this:
        this.record(ThingNoted(comment=Private("gone")), on=thing)
        this.move(thing, CLOSE, ThingClosed())
        raise ZeroDivisionError
    assert story() == []
    assert (Pending.objects.count(), PrivateValue.objects.count(), Subject.objects.count()) == (0, 0, 0)
    assert thing.state == "open"
    thing.refresh_from_db()
    assert thing.state == "open"


def test_a_move_changes_the_state_with_its_columns_and_records(db: None, story: Story) -> None:
    thing = Thing.objects.create()
    with act(WORKER) as this:
        this.move(thing, CLOSE, ThingClosed(), name="done with")
    assert (thing.state, thing.name) == ("closed", "done with")
    thing.refresh_from_db()
    assert (thing.state, thing.name) == ("closed", "done with")
    assert story() == ["thing.closed"]


def test_a_move_from_a_wrong_or_an_outdated_state_is_refused_without_a_trace(db: None, story: Story) -> None:
    thing = Thing.objects.create()
    outdated = Thing.objects.get(pk=thing.pk)
    with act(WORKER) as this:
        this.move(thing, CLOSE, ThingClosed())
    with pytest.raises(WrongState, match="is closed"), act(WORKER) as this:
        this.move(thing, SHELVE, ThingShelved())
    with pytest.raises(WrongState, match="no longer open"), act(WORKER) as this:
        this.move(outdated, SHELVE, ThingShelved())
    assert story() == ["thing.closed"]
    assert Thing.objects.get(pk=thing.pk).state == "closed"


def test_of_two_racing_moves_exactly_one_wins(committed: None, story: Story, together: Callable[..., list[Any]]) -> None:
    thing = Thing.objects.create()
    both_have_read = threading.Barrier(2, timeout=20)

    def close() -> str:
        mine = Thing.objects.get(pk=thing.pk)
        with act(WORKER) as this:
            both_have_read.wait()
            this.move(mine, CLOSE, ThingClosed())
        return "won"

    def shelve() -> str:
        mine = Thing.objects.get(pk=thing.pk)
        with act(WORKER) as this:
            both_have_read.wait()
            this.move(mine, SHELVE, ThingShelved())
        return "won"

    results = together(close, shelve)
    assert sorted(type(result).__name__ for result in results) == ["WrongState", "str"]
    assert story() == [["thing.closed"], ["thing.shelved"]][results.index("won")]


def test_two_acts_over_the_same_subjects_in_opposite_order_do_not_wait_for_each_other(
    committed: None, story: Story, together: Callable[..., list[Any]]
) -> None:
    both_have_begun = threading.Barrier(2, timeout=20)

    def in_order(*keys: str) -> Callable[[], str]:
        def work() -> str:
            for _ in range(20):
                with act(WORKER) as this:
                    both_have_begun.wait()
                    for key in keys:
                        this.record(ThingNoted(), on=Ref("thing", key))
            return "done"

        return work

    assert together(in_order("1", "2"), in_order("2", "1")) == ["done", "done"]
    assert len(story()) == 80
    for key in ("1", "2"):
        assert sorted(Entry.objects.about(Ref("thing", key)).values_list("subject_seq", flat=True)) == list(range(1, 41))


def test_a_refused_attempt_is_recorded_after_the_rollback(db: None, ada: System, story: Story) -> None:
    thing = Thing.objects.create()
    with pytest.raises(NotAllowed), act(ada, attempt="close", on=thing) as this:
        this.move(thing, CLOSE, ThingClosed())
        raise NotAllowed("You made this thing, so someone else must close it.", code="own_thing")
    assert story() == ["attempt.refused"]
    entry = Entry.objects.about(thing).get()
    assert entry.actor_id == "0197-ada"
    assert entry.data == {
        "attempt": "close",
        "code": "own_thing",
        "reason": "You made this thing, so someone else must close it.",
    }
    assert Thing.objects.get().state == "open"


def test_only_refusals_of_a_named_attempt_are_recorded(db: None, ada: System, story: Story) -> None:
    with pytest.raises(NotAllowed), act(ada):
        raise NotAllowed("No.")
    with pytest.raises(WrongState), act(ada, attempt="close"):
        raise WrongState("Too late.")
    assert story() == []


def test_an_act_stands_in_no_other_transaction(committed: None) -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic(), act(WORKER):
        pass
    with pytest.raises(RuntimeError, match="durable"), act(WORKER), act(WORKER):
        pass


def test_an_act_that_is_over_records_nothing_more(db: None) -> None:
    with act(WORKER) as this:
        pass
    with pytest.raises(RuntimeError, match="over"):
        this.record(ThingNoted())
    with pytest.raises(RuntimeError, match="over"):
        this.move(Thing.objects.create(), CLOSE, ThingClosed())


def test_an_unregistered_event_is_refused(db: None, story: Story) -> None:
    @dataclass(frozen=True, kw_only=True)
    class ThingHidden(ThingNoted):
        """Inherits the registration of another event, and has none of its own."""

    with pytest.raises(RuntimeError, match="not registered"), act(WORKER) as this:
        this.record(ThingHidden())
    assert story() == []


def test_an_event_type_is_declared_once_with_a_docstring_and_a_proper_name() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Undocumented(Event):
        number: int

    @dataclass(frozen=True, kw_only=True)
    class Documented(Event):
        """Something happened."""

    class NoEvent:
        """Is none."""

    with pytest.raises(RuntimeError, match="docstring"):
        event("thing.seen", version=1)(Undocumented)
    with pytest.raises(RuntimeError, match="name of an event"):
        event("ThingSeen", version=1)(Documented)
    with pytest.raises(RuntimeError, match="derived from"):
        event("thing.seen", version=1)(NoEvent)
    with pytest.raises(RuntimeError, match="twice"):
        event("thing.noted", version=1)(Documented)
    assert ("thing.seen", 1) not in events._registered


class Colour(TextChoices):
    RED = "red"


def test_values_of_events_are_plain_or_refused() -> None:
    moment = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    key = uuid.uuid4()
    assert events.plain({"a": [1, 0.5, True, None, "x"], 1: (moment, key, Colour.RED)}) == {
        "a": [1, 0.5, True, None, "x"],
        "1": ["2026-01-01T00:00:00.000000Z", str(key), "red"],
    }
    for bad in (float("nan"), float("inf"), Decimal("1.5"), b"bytes", {1, 2}, Thing()):
        with pytest.raises(InvalidInput):
            events.plain(bad)


def test_a_number_too_large_for_json_takes_the_act_back(db: None, story: Story) -> None:
    with pytest.raises(DomainError), act(WORKER) as this:
        this.record(ThingNoted(number=2**53))
    assert story() == []


def test_an_act_costs_a_constant_number_of_queries(db: None, django_assert_num_queries: Any) -> None:
    for count in (1, 10):
        with django_assert_num_queries(5), act(WORKER) as this:  # savepoint, counter, events, private values, release
            for number in range(count):
                this.record(ThingNoted(number=number, comment=Private("x")), on=Ref("thing", "1"))


def test_a_private_text_never_shows_itself() -> None:
    assert "secret" not in repr(ThingNoted(comment=Private("secret")))
    assert connection.vendor == "postgresql"
