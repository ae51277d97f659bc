"""Text to tokens. A field (`metrics."val/loss".min`) is one token: nothing may stand between its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from tracking.searching.language.problem import Misread, gettext_noop

MOST_CHARACTERS = 20_000


class Kind(Enum):
    FIELD = "field"  # scope, name and perhaps part
    WORD = "word"  # a keyword, or an attribute without its prefix
    TEXT = "text"
    NUMBER = "number"
    OPERATOR = "operator"
    OPENING = "("
    CLOSING = ")"
    COMMA = ","
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    text: str  # as it was typed
    start: int
    value: str = ""  # of a text or a field's name: without its quotes
    scope: str = ""  # of a field
    quoted: bool = False  # the field's name stood in quotes, so that its dots are its own
    part: str = ""  # what followed a name in quotes: min, max or last

    @property
    def end(self) -> int:
        return self.start + len(self.text)


_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?\b|nan\b)", re.I)
_WORD = re.compile(r"[^\W\d]\w*")
_BARE = re.compile(r"[\w/:@.\-]+")
_PART = re.compile(r"\.(\w+)")
_OPERATOR = re.compile(r"<=|>=|!=|[<>=!&|~]+")
_SIGNS = {"(": Kind.OPENING, ")": Kind.CLOSING, ",": Kind.COMMA}
_FOREIGN = {
    "==": "=",
    "<>": "!=",
    "=>": ">=",
    "=<": "<=",
    "~": "LIKE",
    "&&": "and",
    "&": "and",
    "||": "or",
    "|": "or",
    "!": "not",
}
_KNOWN = frozenset({"=", "!=", "<", "<=", ">", ">="})
_CURLY = "‘’“”„"


def tokens(text: str) -> Iterator[Token]:
    """The tokens of `text`, the last of them END; refuses what cannot begin one."""
    if len(text) > MOST_CHARACTERS:
        raise Misread(
            gettext_noop("This is longer than %(most)s characters: shorten it."), MOST_CHARACTERS, len(text), most=MOST_CHARACTERS
        )
    _require_storable(text)
    place = 0
    while place < len(text):
        if space := _SPACE.match(text, place):
            place = space.end()
            continue
        token = _token(text, place)
        yield token
        place = token.end
    yield Token(Kind.END, "", len(text))


def _require_storable(text: str) -> None:
    for place, character in enumerate(text):
        if character == "\x00" or "\ud800" <= character <= "\udfff":
            raise Misread(gettext_noop("This character cannot stand in a text: take it out."), place, place + 1)


def _token(text: str, place: int) -> Token:
    first = text[place]
    if kind := _SIGNS.get(first):
        return Token(kind, first, place)
    if first in "'\"":
        value, end = _quoted(text, place)
        return Token(Kind.TEXT, text[place:end], place, value=value)
    if number := _NUMBER.match(text, place):
        return _number(text, place, number.group())
    if word := _WORD.match(text, place):
        return _field_or_word(text, place, word.group())
    if operator := _OPERATOR.match(text, place):
        return _operator(place, operator.group())
    if first in _CURLY:
        raise Misread(gettext_noop("Texts stand in straight quotes, '…' or \"…\"; this is a typographic one."), place, place + 1)
    raise Misread(gettext_noop("%(sign)s cannot stand here."), place, place + 1, sign=first)


def _number(text: str, place: int, number: str) -> Token:
    end = place + len(number)
    if end < len(text) and (text[end].isalnum() or text[end] in "._"):
        whole = _BARE.match(text, place)
        sentence = gettext_noop("%(what)s is not a number; a text stands in quotes, such as '%(what)s'.")
        raise Misread(sentence, place, whole.end() if whole else end, what=whole.group() if whole else number)
    return Token(Kind.NUMBER, number, place)


def _operator(place: int, operator: str) -> Token:
    if operator in _KNOWN:
        return Token(Kind.OPERATOR, operator, place)
    end = place + len(operator)
    if meant := _FOREIGN.get(operator):
        raise Misread(gettext_noop("%(what)s is not known here. Did you mean %(meant)s?"), place, end, what=operator, meant=meant)
    raise Misread(gettext_noop("%(what)s is no comparison: use =, !=, <, <=, > or >=."), place, end, what=operator)


def _field_or_word(text: str, place: int, word: str) -> Token:
    dot = place + len(word)
    if not text.startswith(".", dot):
        return Token(Kind.WORD, word, place)
    after = dot + 1
    if text[after : after + 1] in {"'", '"', "`"}:
        name, end = _quoted(text, after)
        found = _PART.match(text, end)
        end = found.end() if found else end
        part = found.group(1) if found else ""
        return Token(Kind.FIELD, text[place:end], place, value=name, scope=word, quoted=True, part=part)
    bare = _BARE.match(text, after)
    if bare is None:
        sentence = gettext_noop('After “%(scope)s.” must follow a name, such as %(scope)s.lr or %(scope)s."my name".')
        raise Misread(sentence, place, after, scope=word)
    return Token(Kind.FIELD, text[place : bare.end()], place, value=bare.group(), scope=word)


def _quoted(text: str, place: int) -> tuple[str, int]:
    """What stands between the quote at `place` and its like, and where it ends; a quote within is written twice."""
    quote, parts, begin = text[place], [], place + 1
    while (end := text.find(quote, begin)) >= 0:
        parts.append(text[begin:end])
        if not text.startswith(quote, end + 1):
            return quote.join(parts), end + 1
        begin = end + 2
    raise Misread(gettext_noop("The quote %(quote)s that opens here is never closed."), place, len(text), quote=quote)
