"""Filters and orders of experiments, models, versions and logged models: comparisons joined by AND, as MLflow writes them.

Runs are asked in the larger language of `tracking.searching`, whose tokens these are.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.db.models import F, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IRegex,
    IsNull,
    LessThan,
    LessThanOrEqual,
    Regex,
)
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from tracking.searching.language.problem import Misread
from tracking.searching.language.tokens import Kind, Token, tokens

_COMPARES: dict[str, Any] = {
    "=": Exact, "!=": Exact, "<": LessThan, "<=": LessThanOrEqual, ">": GreaterThan, ">=": GreaterThanOrEqual,
    "LIKE": Regex, "ILIKE": IRegex,
}  # fmt: skip
_HELD = {"tag": "tags", "tags": "tags", "param": "params", "params": "params"}
_OWN = {"attribute", "attributes"}


@dataclass(frozen=True, slots=True)
class Column:
    """What a name of MLflow's means: a column, and how the value behind the sign is read."""

    path: str | KeyTextTransform
    value: Callable[[Token], Any]


def text(token: Token) -> str:
    if token.kind is not Kind.TEXT:
        raise Misread("Here must stand a text in quotes.", token.start, token.end)
    return token.value


def key(token: Token) -> uuid.UUID:
    """An id; what is none belongs to nothing."""
    try:
        return uuid.UUID(text(token).removeprefix("m-"))
    except ValueError:
        return uuid.UUID(int=0)


def number(token: Token) -> int:
    try:
        return int(float(token.text)) if token.kind is Kind.NUMBER else int(text(token))
    except (OverflowError, ValueError) as error:
        raise Misread("Here must stand a whole number.", token.start, token.end) from error


def moment(token: Token) -> datetime:
    """Milliseconds since 1970."""
    try:
        return datetime.fromtimestamp(number(token) / 1000, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise Misread("This is no moment: write milliseconds since 1970.", token.start, token.end) from error


def matching(asked: str, columns: Mapping[str, Column], *, held: tuple[str, ...] = ("tags",)) -> Q:
    """What a filter demands; nothing, if it is blank. `held` are columns that hold texts by names of the client's own."""
    try:
        return _conjunction(list(tokens(asked)), columns, held)
    except Misread as problem:
        raise InvalidInput(_("The filter cannot be read. %(why)s") % {"why": problem}) from problem


def _conjunction(found: list[Token], columns: Mapping[str, Column], held: tuple[str, ...]) -> Q:
    where, place = Q(), 0
    while found[place].kind is not Kind.END:
        comparison, place = _comparison(found, place, columns, held)
        where &= comparison
        if found[place].kind is Kind.WORD and found[place].text.lower() == "and":
            place += 1
            if found[place].kind is Kind.END:
                _refuse(found[place], "The filter ends where a comparison must follow.")
        elif found[place].kind is not Kind.END:
            _refuse(found[place], "Between comparisons stands AND.")
    return where


def _comparison(found: list[Token], place: int, columns: Mapping[str, Column], held: tuple[str, ...]) -> tuple[Q, int]:
    subject, read = _subject(found[place], columns, held)
    sign = found[min(place + 1, len(found) - 1)]
    operator = sign.text.upper()
    if operator == "IN":
        return _among(found, place + 2, subject, read)
    if operator not in _COMPARES:
        _refuse(sign, "Here must stand =, !=, <, <=, >, >=, LIKE, ILIKE or IN.")
    value = read(found[place + 2])
    if operator in ("LIKE", "ILIKE"):
        value = _pattern(str(value))
    compared = Q(_COMPARES[operator](subject, value))
    if operator == "!=":  # what has no such tag has another one, too
        compared = ~compared | Q(IsNull(subject, True))
    return compared, place + 3


def _subject(token: Token, columns: Mapping[str, Column], held: tuple[str, ...]) -> tuple[Any, Callable[[Token], Any]]:
    """What a token names, as an expression, and how its value is read."""
    name = token.text if token.kind is Kind.WORD else token.value
    if token.kind is Kind.FIELD and (column := _HELD.get(token.scope.lower())) in held:
        return KeyTextTransform(name, column), text
    if (token.kind is Kind.WORD or (token.kind is Kind.FIELD and token.scope.lower() in _OWN)) and name in columns:
        path = columns[name].path
        return F(path) if isinstance(path, str) else path, columns[name].value
    known = [*columns, *(f"{column}.NAME" for column in held)]
    raise Misread("“%(found)s” cannot be asked here; there are %(known)s.", token.start, token.end, found=token.text, known=known)


def _among(found: list[Token], place: int, subject: Any, read: Callable[[Token], Any]) -> tuple[Q, int]:
    values: list[Any] = []
    if found[min(place, len(found) - 1)].kind is not Kind.OPENING:
        _refuse(found[min(place, len(found) - 1)], "After IN must follow values in parentheses: ('a', 'b').")
    for end, token in enumerate(found[place + 1 :], place + 2):
        if token.kind is Kind.CLOSING:
            return Q(In(subject, values)) if values else Q(pk__in=[]), end
        if token.kind is not Kind.COMMA:
            values.append(read(token))
    _refuse(found[-1], "The parenthesis behind IN is never closed.")


def _refuse(token: Token, sentence: str) -> NoReturn:
    raise Misread(sentence, token.start, token.end)


def _pattern(like: str) -> str:
    """A LIKE pattern as a regular expression: % is any text, _ one character, everything else itself."""
    signs = {"%": ".*", "_": "."}
    return "^" + "".join(signs.get(sign) or (sign if sign.isalnum() or sign in " -/:" else f"\\{sign}") for sign in like) + "$"
