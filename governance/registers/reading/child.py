"""What runs in the sandbox: one file in, the texts of the columns that the register knows out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from governance.registers.reading.cells import Unreadable, rows_of

_OLD = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of XLSX under a password


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """The rows of `inputs["content"]`: {"format", "columns", "unknown", "rows"}, or {"unreadable": sentence}."""
    try:
        return _read(job, inputs["content"])
    except Unreadable as error:
        return {"unreadable": str(error)}


def _read(job: dict[str, Any], path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        start = file.read(4)
    if start == _OLD:
        raise Unreadable("This is an old spreadsheet, or one under a password. Save it as XLSX without a password, or as CSV.")
    if start[:2] == b"PK":
        from governance.registers.reading.xlsx_file import lines_of as of_xlsx  # noqa: PLC0415 - only the reader needed

        return {"format": "xlsx"} | rows_of(of_xlsx(path, sheet=job["sheet"]), known=job["columns"])
    from governance.registers.reading.csv_file import lines_of as of_csv  # noqa: PLC0415 - as above

    return {"format": "csv"} | rows_of(of_csv(path), known=job["columns"])
