"""The objects that a PDF is written in, and a strict parser of them: what our reports need and nothing more."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from countersign.verify import limits
from countersign.verify.outcome import Refused


class Name(str):
    """A PDF name without its slash."""

    __slots__ = ()


class Ref(NamedTuple):
    """A reference to an indirect object."""

    number: int
    generation: int


class PdfString(bytes):
    """A literal string's bytes."""


class HexString(PdfString):
    """A hexadecimal string's bytes, with the place where it is written, its angle brackets included."""

    start: int
    end: int


@dataclass(frozen=True)
class Stream:
    """A dictionary and the raw bytes that follow it."""

    dictionary: dict[str, Any]
    raw: bytes


WHITE = rb"[\x00\t\n\x0c\r ]"
REGULAR = rb"[^\x00\t\n\x0c\r ()<>\[\]{}/%]"
TOKEN = re.compile(
    WHITE
    + rb"*+(?:(?P<open><<)|(?P<close>>>)|(?P<array>\[)|(?P<end>\])|/(?P<name>"
    + REGULAR
    + rb"*+)|(?P<literal>\()|<(?P<hex>[0-9A-Fa-f]*+)>|(?P<ref>(?P<number>[0-9]{1,10})"
    + WHITE
    + rb"{1,4}(?P<generation>[0-9]{1,5})"
    + WHITE
    + rb"{1,4}R(?!"
    + REGULAR
    + rb"))|(?P<word>"
    + REGULAR
    + rb"++))"
)
INTEGER = re.compile(rb"[+-]?[0-9]+")
REAL = re.compile(rb"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+)")
HEAD = re.compile(rb"([0-9]{1,10}) ([0-9]{1,5}) obj" + WHITE + rb"*+")
STREAM = re.compile(WHITE + rb"*+stream\r?\n")
END_OF_STREAM = re.compile(WHITE + rb"{0,2}endstream" + WHITE + rb"{1,2}endobj(?!" + REGULAR + rb")")
END_OF_OBJECT = re.compile(WHITE + rb"*+endobj(?!" + REGULAR + rb")")
IN_LITERAL = re.compile(rb"[\\()]")
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"(": b"(", b")": b")", b"\\": b"\\"}
OCTAL = re.compile(rb"[0-7]{1,3}")
WORDS: dict[bytes, Any] = {b"true": True, b"false": False, b"null": None}


class Closing(NamedTuple):
    """What ends an array or a dictionary; never part of a value."""

    bracket: str


def parse_value(data: bytes, position: int, depth: int = 0) -> tuple[Any, int]:
    """The value that begins at `position`, and the position after it."""
    value, position = _parse(data, position, depth)
    if isinstance(value, Closing):
        raise Refused(f"The PDF has a closing bracket without an opening one at byte {position}.")
    return value, position


def _parse(data: bytes, position: int, depth: int) -> tuple[Any, int]:
    if depth > limits.PDF_DEPTH:
        raise Refused(f"The PDF nests objects more than {limits.PDF_DEPTH} levels deep.")
    token = TOKEN.match(data, position)
    if token is None:
        raise Refused(f"The PDF cannot be read at byte {position}.")
    match token.lastgroup:
        case "open":
            return _dictionary(data, token.end(), depth)
        case "array":
            return _array(data, token.end(), depth)
        case "close" | "end":
            return Closing(token.lastgroup), token.end()
        case "name":
            return Name(_name(token["name"])), token.end()
        case "literal":
            return _literal(data, token.end())
        case "hex":
            return _hexadecimal(token), token.end()
        case "ref":
            return Ref(int(token["number"]), int(token["generation"])), token.end()
        case _:
            return _word(token["word"], position), token.end()


def _word(word: bytes, position: int) -> Any:
    if word in WORDS:
        return WORDS[word]
    if len(word) <= limits.PDF_NUMBER_CHARACTERS:
        if INTEGER.fullmatch(word):
            return int(word)
        if REAL.fullmatch(word):
            return float(word)
    raise Refused(f"The PDF has something unknown near byte {position}.")


def _name(raw: bytes) -> str:
    if b"#" in raw:
        raw = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), raw)
    return raw.decode("latin-1")


def _hexadecimal(token: re.Match[bytes]) -> HexString:
    digits = token["hex"]
    value = HexString(bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii")))
    value.start, value.end = token.start("hex") - 1, token.end("hex") + 1
    return value


def _literal(data: bytes, position: int) -> tuple[PdfString, int]:
    parts: list[bytes] = []
    nested = 1
    while True:
        found = IN_LITERAL.search(data, position)
        if found is None:
            raise Refused("The PDF has a string without an end.")
        parts.append(data[position : found.start()])
        position = found.end()
        if found[0] == b"\\":
            piece, position = _escape(data, position)
            parts.append(piece)
            continue
        nested += 1 if found[0] == b"(" else -1
        if nested == 0:
            return PdfString(b"".join(parts)), position
        parts.append(found[0])


def _escape(data: bytes, position: int) -> tuple[bytes, int]:
    octal = OCTAL.match(data, position)
    if octal:
        return bytes([int(octal[0], 8) & 0xFF]), octal.end()
    letter = data[position : position + 1]
    if letter not in ESCAPES:
        raise Refused(f"The PDF has an unknown escape in a string at byte {position}.")
    return ESCAPES[letter], position + 1


def _array(data: bytes, position: int, depth: int) -> tuple[list[Any], int]:
    values: list[Any] = []
    while True:
        value, position = _parse(data, position, depth + 1)
        if isinstance(value, Closing):
            if value.bracket != "end":
                raise Refused(f"The PDF has an array that ends wrongly at byte {position}.")
            return values, position
        values.append(value)


def _dictionary(data: bytes, position: int, depth: int) -> tuple[dict[str, Any], int]:
    values: dict[str, Any] = {}
    while True:
        key, position = _parse(data, position, depth + 1)
        if isinstance(key, Closing):
            if key.bracket != "close":
                raise Refused(f"The PDF has a dictionary that ends wrongly at byte {position}.")
            return values, position
        if not isinstance(key, Name) or key in values:
            raise Refused(f"The PDF has a dictionary with a wrong or repeated key near byte {position}.")
        values[str(key)], position = parse_value(data, position, depth + 1)


def parse_indirect(data: bytes, position: int) -> tuple[Ref, Any, int]:
    """The indirect object that begins at `position`: its number, its value (perhaps a `Stream`), the position after it."""
    head = HEAD.match(data, position)
    if head is None:
        raise Refused(f"The PDF has no object at byte {position}, where its table says so.")
    value, position = parse_value(data, head.end())
    begins = STREAM.match(data, position)
    if begins:
        value, position = _stream(data, value, begins.end())
    ends = (END_OF_STREAM if begins else END_OF_OBJECT).match(data, position)
    if ends is None:
        raise Refused(f"The PDF has an object that does not end where it should, at byte {position}.")
    return Ref(int(head[1]), int(head[2])), value, ends.end()


def _stream(data: bytes, dictionary: Any, position: int) -> tuple[Stream, int]:
    length = dictionary.get("Length") if isinstance(dictionary, dict) else None
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= len(data) - position:
        raise Refused(f"The PDF has a stream without a usable length at byte {position}.")
    return Stream(dictionary, data[position : position + length]), position + length
