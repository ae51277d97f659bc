"""XLSX with the library that writes the exports. It trusts what it reads, which is why this runs in the sandbox only."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from governance.registers.reading.cells import COLUMNS, LINES, Line, Unreadable

PARTS = 1_000
UNPACKED = 200 << 20  # bytes that the archive says it unpacks to; what it really unpacks to is bounded by the jail
_NO_XLSX = "This is no XLSX file that can be read. Open it in a spreadsheet and save it anew as XLSX or CSV."


def lines_of(path: Path, *, sheet: str) -> Iterator[Line]:
    """The rows of the sheet of this name, or of the only one."""
    _require_bounded(path)
    from openpyxl import load_workbook  # noqa: PLC0415 - CSV does without its 300 ms

    try:
        book = load_workbook(path.open("rb"), read_only=True, keep_links=False)  # by its name it would want an ending
        found = [one for one in book.worksheets if one.title.lower() == sheet] or book.worksheets
        if len(found) != 1:
            raise Unreadable(f"The file has several sheets and none is named {sheet}. Keep one, or name it so.")
        found[0].reset_dimensions()  # what the file says of its size may be wrong
        for number, row in enumerate(found[0].iter_rows(max_row=LINES + 1), start=1):
            cells, wrong = [], {}
            for place, cell in enumerate(row[:COLUMNS]):
                if cell.data_type == "f":
                    wrong[place] = "it holds a formula. Put its value there (copy it, then paste the values only)."
                elif cell.data_type == "e":
                    wrong[place] = "it holds an error of a formula. Put a value there."
                cells.append("" if place in wrong else _text(cell.value))
            yield Line(number, cells, wrong)
    except (Unreadable, MemoryError):  # the latter is told as what it is
        raise
    except Exception as error:  # a damaged file fails anywhere in the library
        raise Unreadable(_NO_XLSX) from error


def _require_bounded(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable(_NO_XLSX) from error
    if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED:
        raise Unreadable(f"The file unpacks to more than {UNPACKED >> 20} MB. Save the sheet alone, without pictures, or as CSV.")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
        return value.date().isoformat() if midnight else value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # a sheet knows no whole numbers
        return str(int(value))
    return str(value)
