"""Reads the plain part of YAML that MLproject, conda.yaml and python_env.yaml are written in: names, lists, texts and numbers.

Anchors, aliases, tags and merges are refused: none of these files needs them, and each has been used for an attack. Not PyYAML,
because the package needs nothing but `requests`.
"""

from __future__ import annotations

import json
import re
from typing import Any

LARGEST, DEEPEST = 256 << 10, 20
_QUOTED = r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^']|'')*)'"
_NAME = re.compile(rf"(?:{_QUOTED}|([^\s\"'#{{}}\[\],&*!|>%@`-][^#\"'{{}}\[\]]*?|-[^\s#:]+))\s*:(?=\s|\Z)")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}\Z")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")  # 1e-3 too, which YAML 1.1 calls a text
_FLOW = re.compile(rf"\s*(?:([{{}}\[\],])|(:)(?=[\s{{\[\"'])|{_QUOTED}|([^{{}}\[\],:\"'#&*!]+(?::(?=[^\s])[^{{}}\[\],\"'#]*)*))")


class NotPlain(Exception):
    """The text is no YAML that is read here; the message names the line."""


def read(content: bytes) -> Any:
    """Mappings, lists, texts, numbers, booleans and None; raises `NotPlain`."""
    if len(content) > LARGEST:
        raise NotPlain(f"it is larger than {LARGEST >> 10} KiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotPlain("it is not written in UTF-8") from error
    reader = _Reader(text.replace("\r\n", "\n").split("\n"))
    found = reader.block(0, 0)
    if reader.peek() is not None:
        raise reader.wrong("it stands further left than what it belongs to")
    return found


class _Reader:
    def __init__(self, lines: list[str]) -> None:
        self.lines, self.at = lines, 0

    def wrong(self, why: str) -> NotPlain:
        return NotPlain(f"line {self.at + 1}: {why}")

    def peek(self) -> tuple[int, str] | None:
        """Indentation and content of the next line that says something."""
        while self.at < len(self.lines):
            line = self.lines[self.at].rstrip()
            bare = line.lstrip(" ")
            if bare.startswith("\t"):
                raise self.wrong("it is indented with a tab")
            if bare and not bare.startswith("#") and not (self.at == 0 and bare == "---"):
                if bare.startswith(("---", "...", "%")):
                    raise self.wrong("several documents and directives are not read")
                return len(line) - len(bare), bare
            self.at += 1
        return None

    def block(self, indent: int, depth: int) -> Any:
        if depth > DEEPEST:
            raise self.wrong("it is nested too deeply")
        first = self.peek()
        if first is None:
            return None
        if first[1] == "-" or first[1].startswith("- "):
            return self._items(first[0], depth)
        return self._names(max(indent, first[0]), depth)

    def _names(self, indent: int, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (line := self.peek()) is not None and line[0] >= indent and not (line[0] == indent and line[1].startswith("- ")):
            if line[0] > indent:
                raise self.wrong("its indentation fits nothing above it")
            match = _NAME.match(line[1])
            if match is None:
                raise self.wrong("a name with a colon was expected")
            name = _quoted(match[1], match[2]) if match[3] is None else match[3]
            if name in found:
                raise self.wrong(f"{name} is there twice")
            if name == "<<":
                raise self.wrong("merges are not read")
            found[name] = self._value(line[1][match.end() :].strip(), indent, depth)
        return found

    def _items(self, indent: int, depth: int) -> list[Any]:
        found: list[Any] = []
        while (line := self.peek()) is not None and line[0] == indent and (line[1] == "-" or line[1].startswith("- ")):
            rest = line[1][1:].strip()
            inner = indent + len(line[1]) - len(line[1][1:].lstrip()) if rest else indent + 1
            if rest.startswith("- ") or (rest and _NAME.match(rest) and rest[0] not in "{["):
                self.lines[self.at] = " " * inner + rest  # - name: value, or - - value: what belongs to it stands below the first
                found.append(self.block(inner, depth + 1))
            else:
                found.append(self._value(rest, indent, depth))
        return found

    def _value(self, rest: str, indent: int, depth: int) -> Any:
        """What stands behind a name or a dash: on the same line, or on those below it."""
        if rest[:1] in ("|", ">"):
            return self._text(rest, indent)
        if rest and rest[0] not in "#":
            value = self._inline(rest)
            self.at += 1
            below = self.peek()
            if below is not None and below[0] > indent:
                raise self.wrong("a value that goes on below its line is not read; put it between quotation marks on one line")
            return value
        self.at += 1
        below = self.peek()
        if below is not None and (below[0] > indent or (below[0] == indent and below[1].startswith("- "))):
            return self.block(below[0], depth + 1)
        return None

    def _text(self, rest: str, indent: int) -> str:
        """A text in a block: `|` keeps its lines, `>` joins them."""
        style = rest.partition("#")[0].strip()
        if style not in {"|", ">", "|-", ">-", "|+", ">+"}:
            raise self.wrong("this form of a text is not read")
        self.at += 1
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            taken.append(line)
            self.at += 1
        depth = min((len(line) - len(line.lstrip(" ")) for line in taken if line.strip()), default=0)
        lines = [line[depth:].rstrip() for line in taken]
        text = "\n".join(lines).rstrip()
        if style[0] == ">":
            text = re.sub(r"\n+", lambda ends: "\n" * (len(ends[0]) - 1) or " ", text)
        return text + ("" if style.endswith("-") else "\n")

    def _inline(self, text: str) -> Any:
        if text[0] in "&*!":
            raise self.wrong("anchors, aliases and tags are not read")
        if text[0] in "{[":
            return self._flow(text)
        if text[0] in "\"'":
            match = re.match(r"(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^']|'')*)')\s*(?:#.*)?\Z", text)
            if match is None:
                raise self.wrong("a quotation mark is not closed")
            return self._unquoted(match[1], match[2])
        if text[0] in "%@`|>":
            raise self.wrong(f"a value cannot begin with {text[0]}")
        return _plain(re.split(r"\s#", text, maxsplit=1)[0].strip())

    def _unquoted(self, double: str | None, single: str | None) -> str:
        try:
            return _quoted(double, single)
        except ValueError as error:
            raise self.wrong("an escape in it is not read") from error

    def _flow(self, text: str) -> Any:
        """{name: value, …} or [value, …] on one line."""
        words: list[tuple[str, Any]] = []
        place = 0
        while place < len(text) and not re.match(r"\s*(?:\s#.*)?\Z", text[place:]):
            match = _FLOW.match(text, place)
            if match is None:
                raise self.wrong("this is not read between brackets")
            sign, colon, double, single, plain = match.groups()
            if sign or colon:
                words.append((sign or colon, None))
            else:
                words.append(("value", self._unquoted(double, single) if plain is None else _plain(plain.strip())))
            place = match.end()
        words.reverse()
        value = self._closed(words, 0)
        if words:
            raise self.wrong("something stands behind the closing bracket")
        return value

    def _closed(self, words: list[tuple[str, Any]], depth: int) -> Any:
        kind, value = words.pop() if words else ("", None)
        if kind == "value":
            return value
        if kind not in ("{", "[") or depth > DEEPEST:
            raise self.wrong("brackets do not fit")
        names: dict[str, Any] = {}
        items: list[Any] = []
        while words:
            if words[-1][0] == ("}" if kind == "{" else "]"):
                words.pop()
                return names if kind == "{" else items
            first = self._closed(words, depth + 1)
            if kind == "{":
                if not words or words.pop()[0] != ":" or isinstance(first, dict | list):
                    raise self.wrong("a name with a colon was expected")
                empty = bool(words) and words[-1][0] in (",", "}")
                names[str(first)] = None if empty else self._closed(words, depth + 1)
            else:
                items.append(first)
            if words and words[-1][0] == ",":
                words.pop()
        raise self.wrong("a bracket is not closed")


def _quoted(double: str | None, single: str | None) -> str:
    if double is not None:
        return str(json.loads(f'"{double}"'))  # JSON's escapes are a part of YAML's
    return (single or "").replace("''", "'")


def _plain(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.match(text):
        return int(text)
    return float(text) if _NUMBER.match(text) else text
