"""What a filter or an order says, as frozen trees. What each node means stands in docs/reference/run-filter.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID


class Part(StrEnum):
    """Which value of a metric is meant."""

    LAST = "last"
    LOWEST = "min"
    HIGHEST = "max"


class Shape(StrEnum):
    """What kind of value a field has, and so what it can be compared with."""

    NUMBER = "number"  # metrics
    LOOSE = "loose"  # parameters and tags: numbers and texts, as they were reported
    TEXT = "text"
    STATE = "state"
    MOMENT = "moment"
    SECONDS = "seconds"
    FLAG = "flag"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    part: Part = Part.LAST

    @property
    def shape(self) -> Shape:
        return Shape.NUMBER


@dataclass(frozen=True, slots=True)
class Param:
    name: str

    @property
    def shape(self) -> Shape:
        return Shape.LOOSE


@dataclass(frozen=True, slots=True)
class Tag:
    name: str

    @property
    def shape(self) -> Shape:
        return Shape.LOOSE


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str  # the canonical one; see fields.ATTRIBUTES
    shape: Shape


@dataclass(frozen=True, slots=True)
class Data:
    """One of name, digest, context of the data that the run reported; true if it is so of any of them."""

    name: str

    @property
    def shape(self) -> Shape:
        return Shape.TEXT


Field = Metric | Param | Tag | Attribute | Data
Value = Decimal | str | bool | datetime | UUID


class Operator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    LIKE = "LIKE"
    ILIKE = "ILIKE"
    NOT_LIKE = "NOT LIKE"
    NOT_ILIKE = "NOT ILIKE"


@dataclass(frozen=True, slots=True)
class Compare:
    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Among:
    """The field has a value, and it is (`negated`: is not) one of `values`."""

    field: Field
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """IS NULL: nothing was reported; `negated`: IS NOT NULL."""

    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class NotANumber:
    """IS NAN: the metric's value is not a number; `negated`: there is a value, and it is a number."""

    field: Metric
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    inner: Filter


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Filter, ...]


Filter = Compare | Among | Absent | NotANumber | Not | And | Or


@dataclass(frozen=True, slots=True)
class Term:
    """One key of an order. What has no value, or NaN, stands last in both directions."""

    field: Field
    descending: bool = False


Order = tuple[Term, ...]
