"""What a field may be compared with: each value in the form in which it is compared, or a sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tracking.searching.language.fields import STATES
from tracking.searching.language.problem import Misread, gettext_noop, nearest
from tracking.searching.language.tokens import Kind, Token
from tracking.searching.language.tree import Field, Operator, Shape, Value

MOST_TEXT = 6_000  # characters of a text; a parameter's value in MLflow has at most as many
MOST_DIGITS = 60  # characters of a number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: dict[str, Decimal | int] = {"ms": Decimal("0.001"), "s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_SPAN = re.compile(r"(?:([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(ms|sec|s|min|m|h|d)\s*)", re.I)
_LIKES = frozenset({Operator.LIKE, Operator.ILIKE, Operator.NOT_LIKE, Operator.NOT_ILIKE})
_EQUALS = frozenset({Operator.EQUAL, Operator.UNEQUAL})


def require_operator(field: Field, operator: Operator, at: Token) -> None:
    """Refuses an operator that means nothing for this kind of field."""
    if operator in _LIKES and field.shape not in (Shape.TEXT, Shape.LOOSE):
        sentence = gettext_noop("%(operator)s compares texts; this field has none: use =, !=, <, <=, > or >=.")
        raise Misread(sentence, at.start, at.end, operator=operator)
    if operator not in _EQUALS and field.shape in (Shape.STATE, Shape.FLAG, Shape.RUN):
        sentence = gettext_noop("This field has no order: use = or !=, not %(operator)s.")
        raise Misread(sentence, at.start, at.end, operator=operator)


def value_of(field: Field, operator: Operator, token: Token) -> Value:
    """The value that `token` names, as `field` is compared with it by `operator`."""
    match field.shape:
        case Shape.NUMBER:
            return _number(token)
        case Shape.LOOSE:
            return _loose(operator, token)
        case Shape.TEXT:
            return _pattern(token) if operator in _LIKES else _text(token)
        case Shape.STATE:
            return _state(token)
        case Shape.MOMENT:
            return _moment(token)
        case Shape.SECONDS:
            return _seconds(token)
        case Shape.FLAG:
            return _flag(token)
        case Shape.RUN:
            return _run(token)


def _number(token: Token) -> Decimal:
    if token.kind is Kind.TEXT:
        sentence = gettext_noop("This is compared with a number: write %(value)s without quotes.")
        raise Misread(sentence, token.start, token.end, value=token.value or "0.9")
    if token.kind is not Kind.NUMBER:
        raise _no_value(token, gettext_noop("Here must stand a number, such as 0.9 or 1e-3, not “%(found)s”."))
    if len(token.text) > MOST_DIGITS:
        raise Misread(gettext_noop("A number has at most %(most)s characters."), token.start, token.end, most=MOST_DIGITS)
    if re.search(r"[eE][+-]?[0-9]{4,}\Z", token.text):
        raise Misread(gettext_noop("An exponent has at most three digits."), token.start, token.end)
    number = Decimal(token.text)
    if number.is_nan():
        raise Misread(gettext_noop("Nothing equals NaN: write IS NAN or IS NOT NAN instead."), token.start, token.end)
    return number


def _loose(operator: Operator, token: Token) -> Value:
    if operator in _LIKES:
        return _pattern(token)
    if token.kind is Kind.TEXT:
        return _text(token)
    if token.kind is Kind.WORD and token.text.lower() in ("true", "false"):
        if operator not in _EQUALS:
            sentence = gettext_noop("True and false have no order: use = or !=, not %(operator)s.")
            raise Misread(sentence, token.start, token.end, operator=operator)
        return token.text.lower() == "true"
    if token.kind is not Kind.NUMBER:
        raise _no_value(token, gettext_noop("Here must stand a number, or a text in quotes: '%(found)s'."))
    number = _number(token)
    if not number.is_finite():
        raise Misread(gettext_noop("Parameters and tags are compared with finite numbers."), token.start, token.end)
    return number


def _text(token: Token) -> str:
    if token.kind is Kind.NUMBER:
        sentence = gettext_noop("This field is a text: write '%(value)s' in quotes.")
        raise Misread(sentence, token.start, token.end, value=token.text)
    if token.kind is not Kind.TEXT:
        raise _no_value(token, gettext_noop("Here must stand a text in quotes: '%(found)s'."))
    if len(token.value) > MOST_TEXT:
        raise Misread(gettext_noop("A text has at most %(most)s characters."), token.start, token.end, most=MOST_TEXT)
    return token.value


def _pattern(token: Token) -> str:
    """A pattern of LIKE: % stands for anything, _ for one character, a backslash before them for themselves."""
    pattern = _text(token)
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        sentence = gettext_noop("A pattern cannot end in a single backslash: write two for one.")
        raise Misread(sentence, token.start, token.end)
    return pattern


def _state(token: Token) -> str:
    state = _text(token)
    if state.lower() in STATES:
        return state.lower()
    if meant := nearest(state, STATES):
        sentence = gettext_noop("There is no state “%(state)s”. Did you mean %(meant)s?")
    else:
        sentence = gettext_noop("There is no state “%(state)s”; there are %(known)s.")
    raise Misread(sentence, token.start, token.end, state=state, meant=meant, known=STATES)


def _moment(token: Token) -> datetime:
    """A date or a moment in quotes (UTC where it names no zone), or MLflow's milliseconds since 1970."""
    try:
        if token.kind is Kind.NUMBER:
            milliseconds = Decimal(token.text) if len(token.text) <= MOST_DIGITS else Decimal("nan")
            return _EPOCH + timedelta(milliseconds=float(milliseconds))
        moment = datetime.fromisoformat(_text(token).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Misread):
            raise
        sentence = gettext_noop("%(value)s is no moment: write '2026-11-20' or '2026-11-20 14:30', in UTC unless a zone follows.")
        raise Misread(sentence, token.start, token.end, value=token.text) from error


def _seconds(token: Token) -> Decimal:
    if token.kind is not Kind.TEXT:
        return _number(token)
    given = token.value.strip()
    spans = _SPAN.findall(given)
    if not spans or _SPAN.sub("", given):
        sentence = gettext_noop("%(value)s is no duration: write seconds, such as 90, or '1 h 30 min'.")
        raise Misread(sentence, token.start, token.end, value=token.text)
    return sum((Decimal(count) * _UNITS[unit.lower()] for count, unit in spans), Decimal(0))


def _flag(token: Token) -> bool:
    word = token.value if token.kind is Kind.TEXT else token.text
    if token.kind in (Kind.WORD, Kind.TEXT) and word.lower() in ("true", "false"):
        return word.lower() == "true"
    raise _no_value(token, gettext_noop("Here must stand true or false, not “%(found)s”."))


def _run(token: Token) -> UUID:
    text = _text(token)
    try:
        return UUID(text)
    except ValueError as error:
        sentence = gettext_noop("“%(value)s” is not the id of a run: an id has 32 hexadecimal digits, with dashes or without.")
        raise Misread(sentence, token.start, token.end, value=text) from error


def _no_value(token: Token, sentence: str) -> Misread:
    if token.kind is Kind.END:
        return Misread(gettext_noop("The filter ends where a value must follow."), token.start, token.end)
    return Misread(sentence, token.start, token.end, found=token.text)
