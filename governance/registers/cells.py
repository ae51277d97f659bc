"""What stands in one cell of a register that leaves the site: text that no spreadsheet takes for a formula."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

# A spreadsheet takes a cell that begins so for a formula (also after spaces, and in full width), and would run it for whoever
# opens the file. An apostrophe before it makes it text. One more is put before apostrophes that stand there already, so that
# reading takes away exactly what writing put there.
_RISKY = re.compile(r"'*(?:\s*[=+\-@＝＋－＠]|[\t\r\n])")
# XML has no place for these; LibreOffice and Excel refuse the whole file over one of them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def neutral(text: str) -> str:
    """The text as a cell that no spreadsheet calculates."""
    text = _UNWRITABLE.sub("\ufffd", text)
    return f"'{text}" if _RISKY.match(text) else text


def as_it_was(cell: str) -> str:
    """The text of a cell that `neutral` may have written."""
    return cell[1:] if cell.startswith("'") and _RISKY.match(cell) else cell


def cell_of(value: Any) -> str:
    """A value as text: days and times as in ISO 8601, times in UTC with their offset, yes and no in words."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return neutral(str(value))
