"""A table as a file: CSV row by row, XLSX by way of a file on disk. Neither holds more than a few rows in memory."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

CSV, XLSX = "csv", "xlsx"
TYPES = {CSV: "text/csv; charset=utf-8", XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
MOST_IN_A_SHEET = 1_048_575  # rows below the header: the format has no more
PART = 64 * 1024  # bytes


def as_csv(header: list[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    """UTF-8 with the mark by which Excel knows it, lines ended as RFC 4180 says."""
    part = io.StringIO()
    lines = csv.writer(part)
    part.write("\ufeff")
    lines.writerow(header)
    for row in rows:
        lines.writerow(row)
        if part.tell() >= PART:
            yield part.getvalue().encode()
            part.seek(0)
            part.truncate()
    yield part.getvalue().encode()


def as_xlsx(title: str, header: list[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    """One sheet whose first line stays in view. Every cell is text: nothing in it is calculated."""
    book = Workbook(write_only=True)  # writes its rows to disk as they come
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    sheet.append(header)
    for row in rows:
        cells = [WriteOnlyCell(sheet, value) for value in row]
        for cell in cells:
            cell.data_type = "s"  # also where a text looks like a formula or an error value
        sheet.append(cells)
    with tempfile.TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while part := file.read(PART):
            yield part
