"""CSV with the standard library, a row at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path

from data_registry.profiling.columns import CELL, COLUMNS, NAME, NULLS, Budget, Column, Table, Unreadable
from data_registry.profiling.patterns import kinds_in

_FIELD = 1 << 20  # characters in one cell; longer is no table
_LINE = 1 << 24  # characters in one line of the file
_NUMBER = re.compile(r"[+-]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})(?:[eE][+-]?\d{1,6})?\Z", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,400}\Z", re.ASCII)
_BOOLEAN = frozenset({"true", "false", "yes", "no", "t", "f"})


def read_csv(path: Path, budget: Budget) -> Table:
    """Count rows, nulls and types, and put the cells to the patterns. Raises Unreadable."""
    table, encoding = Table("csv"), _encoding(path)
    replaced = 0

    with path.open(encoding=encoding, errors="replace", newline="") as text:
        delimiter = _delimiter(text.read(64 << 10))
        text.seek(0)
        csv.field_size_limit(_FIELD)
        rows = csv.reader(_lines(text), delimiter=delimiter)
        try:
            first = next((row for row in rows if row), None)
            if first is None:
                raise Unreadable("The file holds no row.")
            headed = _is_header(first)
            names = [_name(cell) for cell in first] if headed else [f"column {place + 1}" for place in range(len(first))]
            table.columns = [Column(name) for name in names[:COLUMNS]]
            types = [_Type() for _column in table.columns]
            beyond = Column("(beyond the header)")
            replaced += sum("\ufffd" in name for name in names)
            if not headed:
                table.leave_out("no_header")
                replaced += _take(first, table, types, beyond, look=True)
            uneven = 0
            for row in rows:
                if not row:
                    continue
                if table.rows % 4096 == 0 and time.monotonic() > budget.deadline:
                    table.leave_out("time", rows=table.rows)
                    break
                uneven += len(row) != len(first)
                replaced += _take(row, table, types, beyond, look=table.rows < budget.rows)
        except csv.Error as error:
            raise Unreadable(f"Line {rows.line_num} cannot be read as CSV: {error}.") from error
    for column, kind in zip(table.columns, types, strict=True):
        column.dtype = kind.name
    if beyond.filled:
        table.columns.append(beyond)
    if len(first) > COLUMNS:
        table.leave_out("columns", count=len(first) - COLUMNS)
    if uneven:
        table.leave_out("uneven_rows", rows=uneven)
    if replaced:
        table.leave_out("undecodable", cells=replaced)
    if table.rows > budget.rows:
        table.leave_out("rows", looked_at=budget.rows, rows=table.rows)
    return table


def _take(row: list[str], table: Table, types: list[_Type], beyond: Column, *, look: bool) -> int:
    """Count one row; return how many cells held bytes that are not text."""
    replaced, known = 0, len(table.columns)
    table.rows += 1
    for place, cell in enumerate(row):
        if place >= COLUMNS:
            break
        column = table.columns[place] if place < known else beyond
        value = cell.strip()
        if value.lower() in NULLS:
            column.nulls += 1
            continue
        column.filled += 1
        replaced += "\ufffd" in value
        if place < known:
            types[place].see(value[:CELL])
        if look:
            column.look_at(value)
    for column in table.columns[len(row) :]:
        column.nulls += 1
    return replaced


class _Type:
    """The narrowest of integer, number, boolean and string that every cell so far fits."""

    __slots__ = ("name",)

    def __init__(self) -> None:
        self.name = ""

    def see(self, value: str) -> None:
        if self.name == "string":
            return
        if _INTEGER.match(value):
            seen = "integer"
        elif _NUMBER.match(value):
            seen = "number"
        else:
            seen = "boolean" if value.lower() in _BOOLEAN else "string"
        if not self.name:
            self.name = seen
        elif seen != self.name:
            self.name = "number" if {seen, self.name} == {"integer", "number"} else "string"


def _encoding(path: Path) -> str:
    with path.open("rb") as raw:
        start = raw.read(4)
    return "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _lines(text: Iterator[str]) -> Iterator[str]:
    """Lines, each bounded: a file without line ends would else be read whole."""
    while line := text.readline(_LINE):  # type: ignore[attr-defined]  # a text file
        if len(line) >= _LINE:
            raise Unreadable(f"A line is longer than {_LINE:,} characters.")
        if "\x00" in line:
            raise Unreadable("The file holds NUL characters: it is not a text file.")
        yield line


def _delimiter(sample: str) -> str:
    """The one of the usual delimiters that the first lines have most, and evenly; a comma where none is."""
    lines = [line for line in sample.splitlines()[:20] if line]
    counts = {sign: [line.count(sign) for line in lines] for sign in ",;\t|"}
    even = [sign for sign, seen in counts.items() if seen and min(seen) == max(seen) > 0]
    usual = max(even or counts, key=lambda sign: sum(counts[sign]))
    return usual if sum(counts[usual]) else ","


def _is_header(cells: list[str]) -> bool:
    """A header has a different, filled, non-numeric name in each place, and none that looks like personal data:
    the first line of a table without header must not become column names, which are shown."""
    names = [cell.strip() for cell in cells]
    distinct = len({name.lower() for name in names}) == len(names)
    plain = all(name and not _NUMBER.match(name) and not kinds_in(name[:CELL]) for name in names)
    return distinct and plain


def _name(cell: str) -> str:
    return cell.strip()[:NAME]
