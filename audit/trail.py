"""The trail as a person may read it: filtered, in words, entry by entry, and taken away with its proofs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import Person
from audit.attachments import proved_lines
from audit.subjects import IDS, Named, names_of, uuid_of, word_of
from audit.visibility import OF_A_TEAM, ids_of, may_read_private
from ledger.models import Entry, PrivateValue, Seal
from ledger.sentences import sentence_of
from ledger.visibility import entries_seen_by

MOST_EXPORTED = 10_000  # entries in one file; a narrower filter gives the rest
CHUNK = 500
EXPORT = "countersign-trail/1"


def entries_for(person: Person) -> QuerySet[Entry]:
    """The entries that `person` sees, each with its `index` in the log."""
    seen: QuerySet[Entry] = entries_seen_by(person)  # type: ignore[assignment]  # as a manager declares it
    return seen.filter(leaf__isnull=False).annotate(index=F("leaf__index")).select_related("leaf")


def filtered(entries: QuerySet[Entry], wanted: dict[str, Any]) -> QuerySet[Entry]:
    """`entries` narrowed by actor, model, type, days and subject, as the filter's form has checked them."""
    if actor := wanted.get("actor"):
        entries = entries.filter(actor_id=actor)
    if kind := wanted.get("type"):
        entries = entries.filter(type__startswith=kind) if kind.endswith(".") else entries.filter(type=kind)
    if model := wanted.get("model"):
        entries = entries.filter(_about_model(model))
    if since := wanted.get("since"):
        entries = entries.filter(at__gte=_midnight(since))
    if until := wanted.get("until"):
        entries = entries.filter(at__lte=datetime.combine(until, time.max, timezone.get_current_timezone()))
    if about := wanted.get("about"):
        entries = entries.filter(subject_type=about[0], subject_id=about[1])
    return entries


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def _about_model(model: Any) -> Q:
    """What is about a model, its versions and what belongs to those."""
    about = Q(subject_type="model", subject_id=str(model.pk))
    for kind, (rows, path) in OF_A_TEAM.items():
        way = path.removesuffix("__team")
        if way.endswith("model"):
            about |= Q(subject_type=kind, subject_id__in=ids_of(rows.objects.filter(**{way: model})))
    return about


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as a person reads it."""

    entry: Entry
    index: int
    sentence: str
    actor: Person | str | None
    subject: Named | None
    kind: str

    @property
    def at(self) -> datetime:
        return self.entry.at


def lines(entries: Iterable[Entry]) -> list[Line]:
    """The entries in words, with people and subjects by their names, in a constant number of queries."""
    rows = list(entries)
    names = names_of((row.subject_type, row.subject_id) for row in rows)
    people = Person.objects.in_bulk({key for row in rows if row.actor_kind == "person" and (key := uuid_of(row.actor_id))})
    return [
        Line(
            row,
            row.leaf.index,
            sentence_of(row),
            _actor(row, people),
            names.get((row.subject_type, row.subject_id)),
            word_of(row.subject_type) if row.subject_type else "",
        )
        for row in rows
    ]


def _actor(row: Entry, people: dict[UUID, Person]) -> Person | str | None:
    if row.actor_kind != "person":
        return row.actor_id
    key = uuid_of(row.actor_id)
    return people.get(key) if key else row.actor_id


@dataclass(frozen=True, slots=True)
class Field:
    """One recorded value: in the open (`value`), by a name (`named`), or private with what is known of it."""

    name: str
    value: Any
    kind: str  # text, digest, list, named, shown, withheld, erased
    named: Named | None = None


def fields_of(entry: Entry, *, reader: Person) -> list[Field]:
    """What the event recorded, as the reader may see it. A private value that is gone was erased."""
    data = entry.data
    kept = {one.path: one.value for one in PrivateValue.objects.filter(event=entry)}
    readable = may_read_private(reader, entry)
    names = names_of((IDS[name], str(value)) for name, value in data.items() if name in IDS and value)
    return [_field(name, value, kept, readable, names) for name, value in data.items() if value is not None]


def _field(name: str, value: Any, kept: dict[str, str], readable: bool, names: dict[tuple[str, str], Named]) -> Field:
    label = name.removesuffix("_id").replace("_", " ").capitalize()
    if isinstance(value, dict) and value.keys() == {"commitment"}:
        if name not in kept:
            return Field(label, value["commitment"], "erased")
        return Field(label, kept[name], "shown") if readable else Field(label, value["commitment"], "withheld")
    if named := names.get((IDS.get(name, ""), str(value))):
        return Field(label, value, "named", named)
    if isinstance(value, str) and value.startswith("sha256:"):
        return Field(label, value, "digest")
    if isinstance(value, list):
        return Field(label, [str(one) for one in value], "list")
    return Field(label, value, "text")


def exported(entries: QuerySet[Entry], *, seal: Seal, filters: dict[str, str]) -> Iterator[bytes]:
    """The filtered entries under `seal`, the oldest first, as JSON lines: first what this is, then each with its proof."""
    sealed = entries.filter(leaf__index__lt=seal.size).order_by("leaf__index")
    found = list(sealed.values_list("pk", flat=True)[: MOST_EXPORTED + 1])
    head = {
        "format": EXPORT,
        "seal": seal.note,
        "filters": filters,
        "entries": min(len(found), MOST_EXPORTED),
        "complete": len(found) <= MOST_EXPORTED,
    }
    yield json.dumps(head, ensure_ascii=False).encode() + b"\n"
    for start in range(0, min(len(found), MOST_EXPORTED), CHUNK):
        yield from proved_lines(found[start : min(start + CHUNK, MOST_EXPORTED)], seal=seal)
