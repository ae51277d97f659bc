"""Reads meta.yaml as MLflow writes it: names and plain values, and one level of names or a list below a name.

Not PyYAML: the package needs nothing but `requests`, and a general YAML reader knows tags, anchors and merges, none of which
MLflow writes and all of which hostile files use. Here `!!python/object…`, `&a` and `*a` are text like any other.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

from countersign.importing.mlflow.records import Unreadable

LARGEST = 20 << 20  # bytes; a dataset's schema and profile may have megabytes
_BLANK = " \t\r"
_WHOLE = re.compile(r"[-+]?[0-9]{1,19}\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?\Z")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False, "[]": [], "{}": {}}
_NAMED = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " "} | {
    '"': '"',
    "/": "/",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|\n[ \t]*|(.))", re.S)
_DOUBLE = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.S)
_SINGLE = re.compile(r"'((?:[^']++|'')*+)'")
_FOLD = re.compile(r"[ \t]*\n[ \t\n]*")


def read(content: bytes) -> dict[str, Any]:
    """The names and values; raises `Unreadable` for what MLflow does not write."""
    if len(content) > LARGEST:
        raise Unreadable(f"its meta.yaml has more than {LARGEST >> 20} MiB")
    return _Lines(content.decode("utf-8-sig", "replace").replace("\r\n", "\n")).names(indent=0)


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._begins = [0, *accumulate(len(line) + 1 for line in self._lines)]  # where each line begins in the text
        self._at = 0

    def names(self, *, indent: int) -> dict[str, Any]:
        """The names of one level, until a line that stands further left."""
        found: dict[str, Any] = {}
        while (line := self._next()) is not None and (depth := _depth(line)) >= indent:
            if depth > indent:
                raise self._wrong()
            name, column = self._name(line, depth)
            found[name] = self._value(line, column, indent=indent)
        return found

    def _value(self, line: str, column: int, *, indent: int) -> Any:
        """What stands behind a name: from that column of its line on, or on the lines below it."""
        first = line[column:].strip(_BLANK)
        if first[:1] in ("'", '"'):
            return self._quoted(self._begins[self._at] + line.index(first[0], column))
        if first[:1] in ("|", ">"):
            raise self._wrong()
        self._at += 1
        below = self._next()
        if not first and below is not None:
            if below.lstrip(" ").startswith("- ") and _depth(below) >= indent:
                return self._items(indent=_depth(below))
            if _depth(below) > indent:
                if indent:  # a name of a name of a name: nothing that MLflow writes
                    raise self._wrong()
                return self.names(indent=_depth(below))
        words = [first]
        while (below := self._next()) is not None and _depth(below) > indent:
            words.append(below.strip(_BLANK))
            self._at += 1
        return _plain(" ".join(words).split(" #", 1)[0].rstrip(_BLANK))

    def _items(self, *, indent: int) -> list[Any]:
        found: list[Any] = []
        while (line := self._next()) is not None and _depth(line) == indent and line[indent : indent + 2] == "- ":
            found.append(self._value(line, indent + 2, indent=indent))
        return found

    def _quoted(self, begin: int) -> str:
        """A text in quotes, which may go on over several lines; nothing but a remark stands behind it."""
        double = self._text[begin] == '"'
        whole = (_DOUBLE if double else _SINGLE).match(self._text, begin)
        if not whole:
            raise self._wrong()
        last = self._at + whole[0].count("\n")
        if self._lines[last][whole.end() - self._begins[last] :].strip(_BLANK).partition("#")[0]:
            raise self._wrong()
        self._at = last + 1
        return _unescaped(whole[1]) if double else _folded(whole[1]).replace("''", "'")

    def _name(self, line: str, depth: int) -> tuple[str, int]:
        """The name, and the column behind its colon."""
        if line[depth] in "'\"":
            double = line[depth] == '"'
            found = (_DOUBLE if double else _SINGLE).match(line, depth)
            if not found or line[found.end() : found.end() + 2].strip(_BLANK) != ":":
                raise self._wrong()
            return (_unescaped(found[1]) if double else found[1].replace("''", "'")), found.end() + 1
        end = line.find(": ")
        if end < 0 and line.rstrip(_BLANK).endswith(":"):
            end = len(line.rstrip(_BLANK)) - 1
        name = line[depth:end]
        if end <= depth or name.startswith(("? ", "- ")) or name[0] in "!&*[{|>@`%":
            raise self._wrong()
        return name, end + 1

    def _next(self) -> str | None:
        """The line to be read, past empty ones and remarks."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.strip(_BLANK) and not line.lstrip(" ").startswith("#") and line.rstrip(_BLANK) not in ("---", "..."):
                return line
            self._at += 1
        return None

    def _wrong(self) -> Unreadable:
        return Unreadable(f"line {self._at + 1} of its meta.yaml is nothing that MLflow writes")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _plain(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.match(text):
        return int(text)
    return float(text.replace("_", "")) if _NUMBER.match(text) else text


def _folded(text: str) -> str:
    """A line's end is a blank; of several, all but the first are kept."""

    def fold(ends: re.Match[str]) -> str:
        return "\n" * (ends[0].count("\n") - 1) or " "

    return _FOLD.sub(fold, text)


def _unescaped(text: str) -> str:
    """The text of a double-quoted value. An escaped line's end joins the lines; escapes are read only after the folding."""

    def sign(found: re.Match[str]) -> str:
        code, name = found[1] or found[2] or found[3], found[4]
        if code:
            return chr(int(code, 16)) if int(code, 16) <= 0x10FFFF else "\ufffd"
        return _NAMED.get(name, name) if name else ""

    parts, at = [], 0
    for found in _ESCAPE.finditer(text):
        parts += [_folded(text[at : found.start()]), sign(found)]
        at = found.end()
    joined = "".join([*parts, _folded(text[at:])])
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # a pair of escapes is one sign
