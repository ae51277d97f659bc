"""Acts: nothing changes without an actor, a transaction and an event.

`with act(actor) as this:` opens the transaction and is the only source of an `Act`. What an act records is written when
its block ends: the subjects' counters are then locked in one order, so that two acts cannot wait for each other over them.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from core import clock
from core.canonical import canonical_bytes
from core.errors import NotAllowed, WrongState
from core.ids import uuid7
from core.logs import request_id
from ledger.actors import Actor
from ledger.events import AttemptRefused, Event, Private, Ref, is_registered, parts, ref
from ledger.models import Entry, PrivateValue
from ledger.private import commitment, new_salt

log = logging.getLogger(__name__)
REFUSED = AttemptRefused.event_type
MOST_REFUSALS = 60  # of one actor in a minute: a key that tries for ever, or somebody's script, must not fill the log


@dataclass(frozen=True, slots=True)
class Transition:
    """A step between states, as data: from any of `sources` to `target`."""

    sources: frozenset[str]
    target: str


@dataclass(frozen=True, slots=True)
class _Recorded:
    id: uuid.UUID
    fact: Event
    on: Ref


class Act:
    """One thing that an actor does, in one transaction and at one moment (`at`)."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.at: datetime = clock.now()
        self._recorded: list[_Recorded] = []
        self._moved: list[tuple[models.Model, dict[str, Any]]] = []
        self._open = True

    def record(self, fact: Event, *, on: models.Model | Ref | None = None) -> uuid.UUID:
        """The fact belongs to this act and is written with it; returns the event's id."""
        if not self._open:
            raise RuntimeError("This act is over; record within its block.")
        if not is_registered(type(fact)):
            raise RuntimeError(f"{type(fact).__name__} is not registered as an event; declare it with @event.")
        parts(fact)  # what cannot be written is refused here, where the mistake stands
        recorded = _Recorded(uuid7(), fact, ref(on))
        self._recorded.append(recorded)
        return recorded.id

    def move(
        self,
        obj: models.Model,
        transition: Transition,
        fact: Event,
        on: models.Model | Ref | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        **also: Any,
    ) -> uuid.UUID:
        """`obj` is in the transition's target state, with the columns `also`, and `fact` is recorded on it (or on `on`).

        The row changes only where it still has the state in which `obj` was read (and matches `where`): of two that race,
        one wins and the other gets `WrongState`.
        """
        if not self._open:
            raise RuntimeError("This act is over; move within its block.")
        before = obj.state  # type: ignore[attr-defined]  # every model with transitions has one
        name = obj._meta.verbose_name  # noqa: SLF001 - Django's documented Meta API
        if before not in transition.sources:
            raise WrongState(
                _("The %(thing)s is %(state)s; this needs it to be %(needed)s.")
                % {"thing": name, "state": _words(before), "needed": _any_of(transition.sources)}
            )
        rows: models.Manager = type(obj)._base_manager  # type: ignore[attr-defined] # noqa: SLF001 - every row, whatever `objects` hides
        changed = rows.filter(pk=obj.pk, state=before, **(where or {})).update(state=transition.target, **also)
        if changed != 1:
            raise WrongState(
                _("The %(thing)s is no longer %(state)s: it was changed meanwhile. Load it again.")
                % {"thing": name, "state": _words(before)}
            )
        self._moved.append((obj, {column: getattr(obj, column) for column in ("state", *also)}))
        for column, value in {"state": transition.target, **also}.items():
            setattr(obj, column, value)
        return self.record(fact, on=obj if on is None else on)

    def _close(self) -> None:
        """Write what was recorded: last in the transaction, so that the counters are locked for as short as can be."""
        self._open = False
        counters = _next_places([item.on for item in self._recorded])
        entries: list[Entry] = []
        disclosures: list[PrivateValue] = []
        for item in self._recorded:
            seq = next(counters[item.on]) if item.on.kind else 0
            data, private = parts(item.fact)
            for path, secret in private.items():
                salt = secret.salt or new_salt()
                data[path] = {"commitment": commitment(path, secret.value, salt=salt)}
                disclosures.append(
                    PrivateValue(event_id=item.id, path=path, salt=salt, value=secret.value, person=self._whose(secret))
                )
            entries.append(self._entry(item, seq, data))
        Entry.objects.bulk_create(entries)
        PrivateValue.objects.bulk_create(disclosures)

    def _whose(self, secret: Private) -> str:
        return secret.of or (self.actor.actor_id if self.actor.actor_kind == "person" else "")

    def _entry(self, item: _Recorded, seq: int, data: dict[str, Any]) -> Entry:
        request = request_id.get()
        body = canonical_bytes(
            {
                "id": str(item.id),
                "type": item.fact.event_type,
                "v": item.fact.event_version,
                "at": clock.stamp(self.at),
                "actor": {"kind": self.actor.actor_kind, "id": str(self.actor.actor_id)},
                "on": {"type": item.on.kind, "id": item.on.key, "seq": seq},
                "data": data,
                "request": request,
            }
        )
        return Entry(
            id=item.id,
            type=item.fact.event_type,
            at=self.at,
            actor_kind=self.actor.actor_kind,
            actor_id=str(self.actor.actor_id),
            subject_type=item.on.kind,
            subject_id=item.on.key,
            subject_seq=seq,
            request_id=request,
            body=body,
            leaf_hash=hashlib.sha256(b"\x00" + body).digest(),
        )

    def _undo(self) -> None:
        """Give the objects in memory the states that the rolled-back rows still have."""
        self._open = False
        for obj, columns in reversed(self._moved):
            for column, value in columns.items():
                setattr(obj, column, value)


@contextmanager
def act(actor: Actor, attempt: str | None = None, on: models.Model | Ref | None = None) -> Iterator[Act]:
    """Everything in the block happens, with its events, or nothing does.

    With `attempt` (and `on`) given, a refusal (`NotAllowed`) that leaves the block is recorded after the rollback as
    `attempt.refused`, in an act of its own; of one actor MOST_REFUSALS in a minute. An act stands in no other transaction: a
    caller that rolled back later would take back what was already answered.
    """
    try:
        with _one_act(actor) as this:
            yield this
    except NotAllowed as refusal:
        if attempt is not None and not _has_been_heard(actor):
            with _one_act(actor) as noted:
                noted.record(AttemptRefused(attempt=attempt, code=refusal.code, reason=str(refusal)), on=on)
        raise


def _has_been_heard(actor: Actor) -> bool:
    """Whether the log holds as many refusals of this actor in the last minute as say what is going on."""
    lately = Entry.objects.filter(actor_id=str(actor.actor_id), at__gt=clock.now() - timedelta(minutes=1), type=REFUSED)
    if lately.count() < MOST_REFUSALS:
        return False
    log.warning("Refusals of one actor are no longer recorded in this minute", extra={"facts": {"actor": str(actor.actor_id)}})
    return True


@contextmanager
def _one_act(actor: Actor) -> Iterator[Act]:
    this = Act(actor)
    try:
        with transaction.atomic(durable=True):
            yield this
            this._close()  # noqa: SLF001 - only this function may end an act
    except BaseException:
        this._undo()  # noqa: SLF001 - as above
        raise


def _next_places(subjects: list[Ref]) -> dict[Ref, Iterator[int]]:
    """The next gapless numbers of each subject, whose counter rows stay locked until the transaction ends."""
    wanted: dict[Ref, int] = {}
    for subject in subjects:
        if subject.kind:
            wanted[subject] = wanted.get(subject, 0) + 1
    places: dict[Ref, Iterator[int]] = {}
    with connection.cursor() as cursor:
        for subject in sorted(wanted, key=lambda one: (one.kind, one.key)):  # one order for all acts: no deadlock
            cursor.execute(
                "INSERT INTO ledger_subject (kind, key, seq) VALUES (%s, %s, %s) "
                "ON CONFLICT (kind, key) DO UPDATE SET seq = ledger_subject.seq + EXCLUDED.seq RETURNING seq",
                [subject.kind, subject.key, wanted[subject]],
            )
            (last,) = cursor.fetchall()[0]
            places[subject] = iter(range(last - wanted[subject] + 1, last + 1))
    return places


def _words(state: str) -> str:
    return str(state).replace("_", " ")


def _any_of(states: frozenset[str]) -> str:
    return _(" or ").join(sorted(_words(state) for state in states))
