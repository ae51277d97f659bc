"""CSV as spreadsheets write it: UTF-8 or UTF-16, parted by commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from governance.registers.reading.cells import COLUMNS, Line, Unreadable

_NOT_TEXT = "The file is neither UTF-8 nor UTF-16 text. In a spreadsheet, save it as “CSV UTF-8”, or as XLSX."


def lines_of(path: Path) -> Iterator[Line]:
    """The records, each under the number of the row that a spreadsheet shows it in."""
    text = _text(path.read_bytes())
    if "\x00" in text:
        raise Unreadable(_NOT_TEXT)
    csv.field_size_limit(1 << 20)
    first = text.lstrip("\r\n").partition("\n")[0]
    sign = max(",;\t", key=first.count)
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=sign, strict=True), start=1):
            if len(cells) > COLUMNS:
                raise Unreadable(f"Row {number} has more than {COLUMNS} columns.")
            yield Line(number, cells, {})
    except csv.Error as error:
        raise Unreadable(f"The file cannot be read as CSV: {error}. Check the quotation marks, or save it as XLSX.") from error


def _text(data: bytes) -> str:
    try:
        if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(_NOT_TEXT) from error
