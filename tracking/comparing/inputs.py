"""Data side by side: for each use the digest of what each run says it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking.models import RunData


@dataclass(frozen=True, slots=True)
class DataRow:
    """One use of data of one name; each run has none, one or several datasets there."""

    context: str
    name: str
    cells: tuple[tuple[RunData, ...], ...]
    differs: bool


def data_rows(runs: Sequence[Sequence[RunData]]) -> list[DataRow]:
    """The rows that differ first. A dataset without a digest is like no other: nobody knows what it held."""
    uses = sorted({(one.context, one.name) for data in runs for one in data})
    rows = []
    for context, name in uses:
        cells = tuple(tuple(one for one in data if (one.context, one.name) == (context, name)) for data in runs)
        digests = [frozenset(one.digest for one in cell) for cell in cells]
        rows.append(DataRow(context, name, cells, differs="" in digests[0] or any(other != digests[0] for other in digests[1:])))
    return sorted(rows, key=lambda row: not row.differs)
