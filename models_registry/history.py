"""The part of the log that is about a version: its own events and those of what belongs to it (reviews, runs, alerts)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.models import Person
from core.registry import Registry
from data_registry.models import DatasetVersion
from data_registry.uses import Use
from ledger.models import Entry
from ledger.sentences import look_of, sentence_of
from models_registry.models import Version, VersionData

# Each returns the (kind, ids) of things that belong to a version; higher packages register theirs.
subjects: Registry[Callable[[Version], tuple[str, list[Any]]]] = Registry("subjects of a version's history")


@dataclass(frozen=True, slots=True)
class Line:
    """One event as a person reads it."""

    entry: Entry
    sentence: str
    actor: Person | str | None

    @property
    def at(self) -> Any:
        return self.entry.at

    @property
    def href(self) -> str:
        """The entry in the audit trail, once it has its place there."""
        return reverse("audit:entry", args=[self.index]) if self.index is not None else ""

    @property
    def icon(self) -> str:
        return look_of(self.entry)[0]

    @property
    def tone(self) -> str:
        return look_of(self.entry)[1]

    @property
    def index(self) -> int | None:
        """The place in the log; None until the sequencer has given one."""
        leaf = getattr(self.entry, "leaf", None)
        return leaf.index if leaf else None


def entries_of(version: Version) -> QuerySet[Entry]:
    """Every event about the version and what belongs to it."""
    about = Q(subject_type="version", subject_id=str(version.pk))
    for find in subjects:
        kind, ids = find(version)
        if ids:
            about |= Q(subject_type=kind, subject_id__in=[str(one) for one in ids])
    return Entry.objects.filter(about).select_related("leaf")


def lines(entries: Iterable[Entry]) -> list[Line]:
    """The events with their sentences and the people behind the pseudonyms, in a constant number of queries."""
    rows = list(entries)
    people = Person.objects.in_bulk({UUID(row.actor_id) for row in rows if row.actor_kind == "person"})
    return [
        Line(row, sentence_of(row), people.get(UUID(row.actor_id)) if row.actor_kind == "person" else row.actor_id)
        for row in rows
    ]


def uses_of(data: DatasetVersion, person: Person) -> list[Use]:
    """The versions that name `data`, as far as the person may see them, the newest first."""
    links = VersionData.objects.filter(dataset_version=data, version__in=Version.objects.visible_to(person))
    rows = links.select_related("version__model").order_by("-version__created_at")[:100]
    return [Use(str(row.version), row.version.get_absolute_url(), row.get_use_display()) for row in rows]


def learned_from(data: DatasetVersion) -> list[str]:
    """The versions, of any team, that were trained, tuned or stopped on exactly these bytes; drafts may still change."""
    links = VersionData.objects.filter(dataset_version__digest=data.digest).exclude(use=VersionData.Use.TESTING)
    rows = links.exclude(version__state__in=[Version.State.DRAFT, Version.State.WITHDRAWN]).select_related("version__model")
    return [str(row.version) for row in rows[:1]]
