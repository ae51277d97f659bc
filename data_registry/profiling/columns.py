"""What is counted of one column while a table goes by; no value of a cell is ever kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from data_registry.profiling.patterns import PATTERNS, kinds_in, present

CELL = 10_000  # characters of a cell that are looked at
NAME = 200  # characters of a column's name that are kept
COLUMNS = 2_000  # columns that are profiled
NULLS = frozenset({"", "na", "n/a", "null", "none", "nan"})


@dataclass(slots=True)
class Column:
    name: str
    dtype: str = ""
    nulls: int = 0
    filled: int = 0  # cells with something in them
    scanned: int = 0  # of these: put to the patterns
    cut: int = 0  # cells longer than `CELL`, of which only the beginning was looked at
    strong: Counter[str] = field(default_factory=Counter)
    weak: Counter[str] = field(default_factory=Counter)

    def look_at(self, cell: str) -> None:
        """Put one cell to the patterns and count what matched."""
        self.scanned += 1
        if len(cell) > CELL:
            self.cut += 1
            cell = cell[:CELL]
        for pattern, strength in kinds_in(cell):
            (self.strong if strength == "strong" else self.weak)[pattern.kind] += 1

    def facts(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype, "nulls": self.nulls, "scanned": self.scanned}

    def findings(self) -> list[dict[str, Any]]:
        """What is present or might be; a pattern that matched nothing is no finding, only a count of cells scanned."""
        found = []
        for pattern in PATTERNS:
            strong, weak = self.strong[pattern.kind], self.weak[pattern.kind]
            verdict = present(strong=strong, weak=weak, filled=self.scanned)
            if verdict != "no":
                found.append(
                    {
                        "column": self.name,
                        "kind": pattern.kind,
                        "category": pattern.category,
                        "present": verdict,
                        "matched": strong + weak,
                        "scanned": self.scanned,
                    }
                )
        return found


@dataclass(slots=True)
class Table:
    """The result of one reading."""

    format: str
    rows: int = 0
    rows_known: bool = True
    columns: list[Column] = field(default_factory=list)
    not_checked: list[dict[str, Any]] = field(default_factory=list)  # {"code": ..., facts}; the words are made outside

    def leave_out(self, code: str, **facts: Any) -> None:
        """Say that something was not looked at."""
        self.not_checked.append({"code": code, **facts})

    def result(self) -> dict[str, Any]:
        cut = [column.name for column in self.columns if column.cut]
        if cut:
            self.leave_out("long_cells", columns=cut[:20], count=len(cut), limit=CELL)
        return {
            "format": self.format,
            "rows": self.rows if self.rows_known else None,
            "columns": [column.facts() for column in self.columns],
            "patterns": [pattern.kind for pattern in PATTERNS],
            "findings": [finding for column in self.columns for finding in column.findings()],
            "not_checked": self.not_checked,
        }


class Unreadable(Exception):
    """The bytes are not what their format promises; the message says where."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How far to read: patterns look at the first `rows` rows, and reading ends at `deadline` (time.monotonic)."""

    rows: int
    deadline: float
