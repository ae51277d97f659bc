"""What both readers share: the bounds of a sheet, one line of it, and the refusal of a whole file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

ROWS = 5_000  # rows that hold something, besides the header
LINES = 20_000  # with the empty ones between and after them, of which spreadsheets leave many
COLUMNS = 100
CELL = 20_000  # characters; the longest text of a finding has 4,000


class Unreadable(Exception):
    """The file as a whole cannot be read; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as texts. `wrong`: sentences about cells of it that hold no text, by their place from 0."""

    number: int  # as a spreadsheet counts it: the header is 1
    cells: list[str]
    wrong: dict[int, str]


def rows_of(lines: Iterable[Line], *, known: list[str]) -> dict[str, Any]:
    """The header's names and the rows below it, each with its known columns. Raises Unreadable."""
    found = iter(lines)
    head = next((line for line in found if any(line.cells)), None)
    if head is None:
        raise Unreadable("The file holds no row. Its first row names the columns.")
    names = [cell.strip().lower() for cell in head.cells]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise Unreadable(f"The column {twice[0][:40]} stands twice. Keep one of them.")
    if not set(names) & set(known):
        raise Unreadable("The first row names none of the columns of this register. Begin with a row such as an export has.")
    places = {place: name for place, name in enumerate(names) if name in known}
    return {
        "columns": list(places.values()),
        "unknown": [name[:40] for name in names if name and name not in known][:20],
        "rows": list(_rows(found, places)),
    }


def _rows(lines: Iterator[Line], places: dict[int, str]) -> Iterator[dict[str, Any]]:
    count = 0
    for line in lines:
        if line.number > LINES:
            raise Unreadable(f"The sheet has more than {LINES:,} lines. Take the empty ones away, or split the file.")
        if not any(cell.strip() for cell in line.cells) and not line.wrong:
            continue
        count += 1
        if count > ROWS:
            raise Unreadable(f"The file holds more than {ROWS:,} rows. Split it.")
        long = next((place for place, cell in enumerate(line.cells) if len(cell) > CELL), None)
        if long is not None:
            raise Unreadable(f"Row {line.number}: a cell holds more than {CELL:,} characters. Shorten it.")
        cells = {name: line.cells[place] for place, name in places.items() if place < len(line.cells)}
        wrong = [f"Column {places[place]}: {said}" for place, said in line.wrong.items() if place in places]
        yield {"line": line.number, "cells": cells, "wrong": wrong[0] if wrong else ""}
