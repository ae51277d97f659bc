"""The registers as tables: which columns each has, and how its rows are read without holding all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from accounts.models import Person
from governance.registers.cells import cell_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK = 500  # rows in memory at a time


@dataclass(frozen=True, slots=True)
class Table:
    """`facts` are columns with the value of a row; of `people` (columns of the row) there is a pseudonym, and the name for
    whoever may see the person."""

    name: str
    facts: dict[str, Callable[[Any], Any]]
    people: tuple[str, ...]

    @property
    def header(self) -> list[str]:
        return [*self.facts, *(name for one in self.people for name in (one, f"{one}_id"))]

    def rows(self, found: QuerySet, *, reader: Person) -> Iterator[list[str]]:
        """Each row as cells, the newest first, read key by key: two queries for CHUNK rows, however many there are."""
        last: UUID | None = None
        while True:
            chunk = list((found.filter(pk__lt=last) if last else found).order_by("-pk")[:CHUNK])
            if not chunk:
                return
            named = {getattr(row, f"{one}_id") for row in chunk for one in self.people} - {None}
            names = Person.objects.visible_to(reader).in_bulk(named)
            yield from (self._cells(row, names) for row in chunk)
            last = chunk[-1].pk

    def _cells(self, row: Any, names: dict[UUID, Person]) -> list[str]:
        values = [value(row) for value in self.facts.values()]
        for one in self.people:
            key = getattr(row, f"{one}_id")
            values += [names.get(key), key]
        return [cell_of(value) for value in values]


def _same(*names: str) -> dict[str, Callable[[Any], Any]]:
    return {name: lambda row, name=name: getattr(row, name) for name in names}  # type: ignore[misc]  # a default that binds


FINDINGS = Table(
    "findings",
    {
        **_same("id", "reference", "title", "description", "severity", "source", "state"),
        "overdue": lambda row: row.is_overdue,
        "due_on": lambda row: row.due_on,
        "team": lambda row: row.team.slug,
        "model": lambda row: row.model and row.model.name,
        "version": lambda row: row.version and row.version.number,
        "dataset": lambda row: row.dataset_version and row.dataset_version.dataset.name,
        "dataset_version": lambda row: row.dataset_version and row.dataset_version.number,
        **_same("plan", "done", "retest_reason", "retested_at", "raised_at"),
    },
    ("owner", "planned_by", "done_by", "retested_by", "raised_by"),
)
EXCEPTIONS = Table(
    "exceptions",
    {
        "id": lambda row: row.pk,
        "state": lambda row: row.shown_state,
        "team": lambda row: row.model.team.slug,
        "model": lambda row: row.model.name,
        "version": lambda row: row.version and row.version.number,
        "policy": lambda row: row.policy,
        "requirement": lambda row: row.kind,
        **_same("subject", "reason", "control", "expires_on", "requested_at"),
        **_same("decision", "decided_as", "decided_at"),
    },
    ("requested_by", "decided_by"),
)
