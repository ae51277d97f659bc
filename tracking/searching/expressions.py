"""What a field is in SQL. Names and values are always parameters: not one character of a filter becomes SQL."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import (
    BooleanField,
    Case,
    DateTimeField,
    DecimalField,
    F,
    FloatField,
    Func,
    JSONField,
    Q,
    TextField,
    UUIDField,
    Value,
    When,
)
from django.db.models.functions import Cast, Length, NullIf
from django.db.models.lookups import In, LessThanOrEqual

from tracking.searching.language.tree import Attribute, Data, Field, Param, Part, Tag

COLUMNS = {Part.LAST: "last_value", Part.LOWEST: "lowest_value", Part.HIGHEST: "highest_value"}  # of a metric
NAN = Value(float("nan"), output_field=FloatField())

# What reads as a decimal number: PostgreSQL can cast every text of this form and length, and Python reads the same.
NUMBER = r"^ *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})? *$"
MOST_DIGITS = 400  # characters; the longest float has 345


class _Exactly(Func):
    """Text compared by its code points, not by the rules of a language: the same in every installation, and as in Python."""

    template = '(%(expressions)s) COLLATE "C"'
    output_field = TextField()


class _At(Func):
    """The value under a key of a JSON object; Django's own transform would take a key such as "0" for a place in a list."""

    template = "(%(expressions)s)"
    arg_joiner = " -> "
    output_field = JSONField()


class _TextAt(Func):
    template = "(%(expressions)s)"
    arg_joiner = " ->> "
    output_field = TextField()


class _Kind(Func):
    function = "jsonb_typeof"
    output_field = TextField()


class _Numeric(Func):
    """Without the precision that Django's cast to a DecimalField asks for."""

    template = "(%(expressions)s)::numeric"
    output_field = DecimalField()


class _Matches(Func):
    template = "(%(expressions)s)"
    arg_joiner = " ~ "
    output_field = BooleanField()


class _Seconds(Func):
    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "
    output_field = DecimalField()


def literal(value: str | float | Decimal | datetime | UUID) -> Any:
    """A value of a filter as a parameter of its own type."""
    match value:
        case str():
            return Cast(Value(value), TextField())  # without the cast PostgreSQL does not know its type
        case float():
            return Value(value, output_field=FloatField())
        case Decimal():
            return _Numeric(Value(str(value), output_field=TextField()))
        case datetime():
            return Value(value, output_field=DateTimeField())
        case UUID():
            return Value(value, output_field=UUIDField())


def kind_of(param: Param) -> Any:
    """What kind of JSON a parameter is; NULL where it was not reported."""
    return _Kind(_At(F("params"), literal(param.name)))


def text_of(field: Field) -> Any:
    """The text of a field; NULL where there is none, and for lists and objects."""
    match field:
        case Param(name):
            plain = In(kind_of(field), ["string", "number", "boolean"])
            return _Exactly(Case(When(plain, then=_TextAt(F("params"), literal(name))), output_field=TextField()))
        case Tag(name):
            return _Exactly(_TextAt(F("tags"), literal(name)))
        case Data(name):
            return _Exactly(NullIf(F(name), literal("")))
        case Attribute(name):
            return _Exactly(NullIf(_ATTRIBUTES.get(name) or _TextAt(F("code"), literal(name)), literal("")))
    raise TypeError(field)


def number_of(field: Param | Tag) -> Any:
    """The decimal number that a parameter or a tag is, or reads as; NULL where it is none. CASE keeps the cast from others."""
    text = _TextAt(F("params" if isinstance(field, Param) else "tags"), literal(field.name))
    reads = Q(_Matches(text, literal(NUMBER)), LessThanOrEqual(Length(text), MOST_DIGITS))
    return Case(When(reads, then=_Numeric(text)), output_field=DecimalField())


def value_of(field: Attribute) -> Any:
    """The value of an attribute that is no text, in its own type."""
    if field.name == "duration":
        return _Seconds(F("ended_at"), F("started_at"))
    if field.name == "dirty":
        return text_of(field)
    return _ATTRIBUTES[field.name]


_ATTRIBUTES: dict[str, Any] = {
    "id": F("id"),
    "parent": F("parent_id"),
    "state": F("state"),
    "started_at": F("started_at"),
    "ended_at": F("ended_at"),
    "name": F("name"),
    "origin": F("origin"),
    "experiment": F("experiment__name"),
    "user": F("created_by__name"),
}
