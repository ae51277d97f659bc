"""A unified diff as git writes it, read line by line: files, hunks and numbered lines. Bounded, and linear in its size.

What is read was made on somebody's machine. Characters that would hide or reorder text are shown by their numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from core.errors import InvalidInput

MOST_BYTES = 2 << 20  # of one diff; clients send at most half of it
MOST_FILES = 5_000
LONGEST = 2_000  # characters of a line that are shown
_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@(.{0,200})")
_HIDING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # controls, formats (such as the order of writing), separators


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is context, added, removed or note; a line that a side does not have has no number there."""

    kind: str
    old: int | None
    new: int | None
    text: str


@dataclass(slots=True)
class Hunk:
    heading: str
    lines: list[Line] = field(default_factory=list)


@dataclass(slots=True)
class FileDiff:
    """`kind` is changed, added, removed or binary."""

    path: str
    kind: str = "changed"
    hunks: list[Hunk] = field(default_factory=list)
    added: int = 0
    removed: int = 0

    @property
    def size(self) -> int:
        """Rows that it takes to show it."""
        return sum(len(hunk.lines) + 1 for hunk in self.hunks)

    def has(self, side: str, number: int) -> bool:
        return any((line.old if side == "old" else line.new) == number for hunk in self.hunks for line in hunk.lines)


def read_diff(text: str) -> list[FileDiff]:
    """The files of a unified diff; `InvalidInput` with the number of the line at which it stops being one."""
    if len(text) > MOST_BYTES:
        raise InvalidInput(_("A diff has at most %(most)s characters.") % {"most": f"{MOST_BYTES:,}"}, code="diff")
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    files: list[FileDiff] = []
    rows = iter(enumerate(lines, start=1))
    for number, row in rows:
        if row.startswith("diff --git "):
            if len(files) == MOST_FILES:
                raise InvalidInput(_("A diff names at most %(most)d files.") % {"most": MOST_FILES}, code="diff")
            files.append(FileDiff(_path_of(row)))
        elif not files:
            raise _broken(number)
        elif row.startswith("@@ "):
            files[-1].hunks.append(_hunk(files[-1], row, number, rows))
        elif row.startswith("\\ ") and files[-1].hunks:
            files[-1].hunks[-1].lines.append(Line("note", None, None, shown(row[2:])))
        elif files[-1].hunks:
            raise _broken(number)
        else:
            _header(files[-1], row)
    return files


def _hunk(file: FileDiff, row: str, number: int, rows: Iterator[tuple[int, str]]) -> Hunk:
    found = _HUNK.match(row)
    if found is None:
        raise _broken(number)
    old, new = int(found[1]), int(found[3])
    old_left, new_left = (1 if count is None else int(count) for count in (found[2], found[4]))
    hunk = Hunk(shown(found[5].strip()))
    while old_left or new_left:
        number, row = next(rows, (number + 1, "missing"))
        mark, rest = row[:1], row[1:]
        if mark in {" ", ""} and old_left and new_left:
            hunk.lines.append(Line("context", old, new, shown(rest)))
            old, new, old_left, new_left = old + 1, new + 1, old_left - 1, new_left - 1
        elif mark == "-" and old_left:
            hunk.lines.append(Line("removed", old, None, shown(rest)))
            old, old_left, file.removed = old + 1, old_left - 1, file.removed + 1
        elif mark == "+" and new_left:
            hunk.lines.append(Line("added", None, new, shown(rest)))
            new, new_left, file.added = new + 1, new_left - 1, file.added + 1
        elif mark == "\\":
            hunk.lines.append(Line("note", None, None, shown(row[2:])))
        else:
            raise _broken(number)
    return hunk


def _header(file: FileDiff, row: str) -> None:
    if row.startswith("new file mode "):
        file.kind = "added"
    elif row.startswith("deleted file mode "):
        file.kind = "removed"
    elif row.startswith(("Binary files ", "GIT binary patch")):
        file.kind = "binary"
    elif row.startswith(("+++ b/", "--- a/")):
        file.path = shown(row[6:].rstrip("\t"), 1_000)


def _path_of(row: str) -> str:
    """From `diff --git a/PATH b/PATH`: both names are the same, because no client follows renames."""
    names = row[len("diff --git ") :]
    half = names[(len(names) + 1) // 2 :]
    return shown(half.removeprefix("b/"), 1_000) or "?"


def shown(text: str, most: int = LONGEST) -> str:
    """The text with each character that a reader would not see written as its number, cut where it is too long."""
    kept, rest = text[:most], len(text) - most
    if not kept.isascii() or not kept.isprintable():
        kept = "".join(_visible(sign) for sign in kept)
    return kept + "…" if rest > 0 else kept


def _visible(sign: str) -> str:
    if sign == "\t" or unicodedata.category(sign) not in _HIDING:
        return sign
    return "␍" if sign == "\r" else f"⟨U+{ord(sign):04X}⟩"


def _broken(number: int) -> InvalidInput:
    said = _(
        "Line %(number)d is not what a unified diff has there. Send what “git diff” writes, or let “countersign send-code” do it."
    )
    return InvalidInput(said % {"number": number}, code="diff")
