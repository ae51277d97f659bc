"""A filter's tree to a condition on training runs that means what docs/reference/run-filter.md says.

Every comparison is true or false, never unknown: what was not reported fulfils no comparison, so that `not` is the exact
opposite. In SQL an unknown counts as false as long as nothing negates it; so `not`, and nothing else, first turns it into false.

What every run must fulfil of a metric that the order names as well is asked of the row that the order joins: then PostgreSQL
walks the index of that metric from its best value and stops where the page is full.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from types import MappingProxyType
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Func, OuterRef, Q
from django.db.models.functions import Lower
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, In, IsNull, LessThan, LessThanOrEqual

from tracking.models import MetricSeries, RunData
from tracking.searching.expressions import COLUMNS, NAN, kind_of, literal, number_of, text_of, value_of
from tracking.searching.language.tree import (
    Absent,
    Among,
    And,
    Attribute,
    Compare,
    Data,
    Field,
    Filter,
    Metric,
    Not,
    NotANumber,
    Operator,
    Or,
    Param,
    Shape,
    Tag,
    Value,
)


class _Sign(Func):
    template = "(%(expressions)s)"
    output_field = BooleanField()


class _Like(_Sign):
    arg_joiner = " LIKE "


class _ILike(_Sign):
    arg_joiner = " ILIKE "


class _Opposite(Func):
    template = "(NOT COALESCE(%(expressions)s, false))"
    output_field = BooleanField()


_SIGNS: dict[Operator, Any] = {
    Operator.EQUAL: Exact,
    Operator.LESS: LessThan,
    Operator.AT_MOST: LessThanOrEqual,
    Operator.GREATER: GreaterThan,
    Operator.AT_LEAST: GreaterThanOrEqual,
    Operator.LIKE: _Like,
    Operator.ILIKE: _ILike,
}
_SIZES = frozenset({Operator.EQUAL, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST})
_OPPOSITES = {Operator.UNEQUAL: Operator.EQUAL, Operator.NOT_LIKE: Operator.LIKE, Operator.NOT_ILIKE: Operator.ILIKE}


def condition(tree: Filter, joined: Mapping[str, str] = MappingProxyType({})) -> Q:
    """What a queryset of training runs is filtered by; `joined` names the relation of a metric that it is joined with."""
    match tree:
        case And(parts):
            return reduce(and_, (condition(part, joined) for part in parts))
        case Compare(Metric(name, part), operator, value) if name in joined and operator in _SIZES:
            return _metric_compares(F(f"{joined[name]}__{COLUMNS[part]}"), operator, value)
        case Or(parts):
            return reduce(or_, (condition(part) for part in parts))
        case Not(inner):
            return _not(condition(inner))
        case Compare(field, operator, value):
            return _of_the_run(field, _compares(field, operator, value))
        case Among(field, values, negated):
            return _of_the_run(field, _differs_from_all(field, values) if negated else _is_one_of(field, values))
        case NotANumber(field, negated):
            column = F(COLUMNS[field.part])
            return _of_the_run(field, Q(LessThan(column, NAN) if negated else Exact(column, NAN)))
        case Absent(field, negated):
            reported = _of_the_run(field, _reported(field))
            return reported if negated else _not(reported)


def surely_numbers(tree: Filter | None) -> frozenset[Metric]:
    """The metrics of which every run that fulfils `tree` has a value, and one that is a number."""
    match tree:
        case And(parts):
            return frozenset[Metric]().union(*(surely_numbers(part) for part in parts))
        case Compare(Metric() as field, operator, _) if operator in _SIZES:
            return frozenset({field})
    return frozenset()


def _not(inner: Q) -> Q:
    return Q(_Opposite(ExpressionWrapper(inner, output_field=BooleanField())))


def _of_the_run(field: Field, asked: Q) -> Q:
    """What is asked of the run itself, or of any of the rows that belong to it."""
    if isinstance(field, Metric):
        return Q(Exists(MetricSeries.objects.filter(asked, run=OuterRef("pk"), name=field.name)))
    if isinstance(field, Data):
        return Q(Exists(RunData.objects.filter(asked, run=OuterRef("pk"))))
    return asked


def _compares(field: Field, operator: Operator, value: Value) -> Q:
    if operator in _OPPOSITES:  # there is a value, and it is another
        return _reported(field) & _not(_compares(field, _OPPOSITES[operator], value))
    if isinstance(field, Metric):
        return _metric_compares(F(COLUMNS[field.part]), operator, value)
    if isinstance(value, bool):
        return Q(_SIGNS[operator](Lower(text_of(field)), literal(str(value).lower())))
    return Q(_SIGNS[operator](_side(field, value), literal(value)))


def _metric_compares(column: F, operator: Operator, value: Value) -> Q:
    """PostgreSQL holds NaN for the greatest number and equal to itself; here it is neither."""
    number = literal(float(value))  # type: ignore[arg-type]  # the language gives a Decimal
    compares = Q(_SIGNS[operator](column, number))
    if operator in (Operator.GREATER, Operator.AT_LEAST):
        compares &= Q(LessThan(column, NAN))
    return compares


def _side(field: Field, value: Value) -> Any:
    """The field in the form in which it is compared with this value."""
    if isinstance(field, Param | Tag) and isinstance(value, Decimal):
        return number_of(field)
    return _own(field)


def _own(field: Field) -> Any:
    """The field in its own type."""
    return value_of(field) if isinstance(field, Attribute) and field.shape is not Shape.TEXT else text_of(field)


def _is_one_of(field: Field, values: tuple[Value, ...]) -> Q:
    return reduce(or_, (_in(field, alike) for alike in _alike(values)))


def _differs_from_all(field: Field, values: tuple[Value, ...]) -> Q:
    return _reported(field) & _not(_is_one_of(field, values))


def _alike(values: tuple[Value, ...]) -> list[list[Value]]:
    """The values by their types: each type is compared in a form of its own."""
    groups: dict[type, list[Value]] = {}
    for value in values:
        groups.setdefault(type(value), []).append(value)
    return list(groups.values())


def _in(field: Field, values: list[Value]) -> Q:
    if isinstance(field, Metric):
        return Q(In(F(COLUMNS[field.part]), [literal(float(value)) for value in values]))  # type: ignore[arg-type]  # Decimals
    if isinstance(values[0], bool):
        return Q(In(Lower(text_of(field)), [literal(str(value).lower()) for value in values]))
    return Q(In(_side(field, values[0]), [literal(value) for value in values]))


def _reported(field: Field) -> Q:
    """Whether the field has a value at all."""
    if isinstance(field, Metric):
        return Q(IsNull(F(COLUMNS[field.part]), False))
    if isinstance(field, Param):
        return Q(IsNull(kind_of(field), False)) & _not(Q(Exact(kind_of(field), literal("null"))))
    return Q(IsNull(_own(field), False))
