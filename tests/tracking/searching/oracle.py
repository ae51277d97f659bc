"""What filters and orders mean, said a second time in plain Python over the rows, without a word of SQL; and random trees."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cmp_to_key
from typing import Any
from uuid import UUID

from tracking.searching.language import tree as t
from tracking.searching.language.fields import ATTRIBUTES, STATES

_NUMBER = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})? *\Z")
_POSITIVE = {t.Operator.UNEQUAL: t.Operator.EQUAL, t.Operator.NOT_LIKE: t.Operator.LIKE, t.Operator.NOT_ILIKE: t.Operator.ILIKE}
_COMPARE: dict[t.Operator, Callable[[Any, Any], bool]] = {
    t.Operator.EQUAL: lambda a, b: a == b,
    t.Operator.LESS: lambda a, b: a < b,
    t.Operator.AT_MOST: lambda a, b: a <= b,
    t.Operator.GREATER: lambda a, b: a > b,
    t.Operator.AT_LEAST: lambda a, b: a >= b,
    t.Operator.LIKE: lambda a, b: bool(pattern(b).fullmatch(a)),
    t.Operator.ILIKE: lambda a, b: bool(pattern(b.lower()).fullmatch(a.lower())),
}


def fulfils(run: Any, tree: t.Filter) -> bool:
    match tree:
        case t.And(parts):
            return all(fulfils(run, part) for part in parts)
        case t.Or(parts):
            return any(fulfils(run, part) for part in parts)
        case t.Not(inner):
            return not fulfils(run, inner)
        case t.Absent(field, negated):
            return any(value is not None for value in values(run, field)) is negated
        case t.NotANumber(field, negated):
            return any(value is not None and math.isnan(value) is not negated for value in values(run, field))
        case t.Compare(field, operator, asked):
            return any(compares(value, operator, _asked(field, asked)) for value in values(run, field))
        case t.Among(field, several, negated):
            return any(
                value is not None and any(compares(value, t.Operator.EQUAL, _asked(field, one)) for one in several) is not negated
                for value in values(run, field)
            )
    raise TypeError(tree)


def _asked(field: t.Field, value: t.Value) -> Any:
    return float(value) if isinstance(field, t.Metric) else value


def values(run: Any, field: t.Field) -> list[Any]:
    """The value of the field, None where there is none; several for the data of a run."""
    match field:
        case t.Metric(name, part):
            column = {"last": "last_value", "min": "lowest_value", "max": "highest_value"}[part]
            return [getattr(one, column) for one in run.series.all() if one.name == name]
        case t.Param(name):
            return [run.params.get(name)]
        case t.Tag(name):
            return [run.tags.get(name)]
        case t.Data(name):
            return [getattr(one, name) or None for one in run.data.all()]
        case t.Attribute(name):
            return [attribute(run, name)]
    raise TypeError(field)


def attribute(run: Any, name: str) -> Any:
    if name == "duration":
        whole = run.ended_at and run.started_at
        return Decimal((run.ended_at - run.started_at) // timedelta(microseconds=1)) / 1_000_000 if whole else None
    if name in ("repository", "branch", "commit"):
        return run.code.get(name) or None
    if name == "dirty":
        return run.code.get("dirty")
    found = {"experiment": run.experiment.name, "user": run.created_by.name, "parent": run.parent_id, "id": run.pk}
    value = found[name] if name in found else getattr(run, name)
    return None if value == "" else value


def compares(value: Any, operator: t.Operator, asked: Any) -> bool:
    if value is None:
        return False
    if operator in _POSITIVE:
        return not compares(value, _POSITIVE[operator], asked)
    if isinstance(asked, bool):
        return text(value) is not None and text(value).lower() == str(asked).lower()
    if isinstance(asked, str):
        value = text(value)
    elif isinstance(asked, Decimal) and not isinstance(value, Decimal):
        value = number(value)
    return value is not None and _COMPARE[operator](value, asked)


def text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return format(Decimal(repr(value)), "f")
    return value if isinstance(value, str) else None


def number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        return Decimal(value.strip(" ")) if len(value) <= 400 and _NUMBER.match(value) else None
    return Decimal(repr(value))


def pattern(like: str) -> re.Pattern[str]:
    parts = re.findall(r"\\.|%|_|[^\\%_]", like, re.S)
    return re.compile("".join({"%": ".*", "_": "."}.get(part) or re.escape(part[-1]) for part in parts), re.S)


# -- orders ----------------------------------------------------------------------------------------------------------------


def ordered(runs: list[Any], order: t.Order) -> list[Any]:
    def keys(run: Any) -> list[tuple[Any, bool]]:
        found: list[tuple[Any, bool]] = []
        for term in order:
            (value,) = values(run, term.field) or [None]
            if isinstance(term.field, t.Param | t.Tag):
                found.append((number(value), term.descending))
            if isinstance(value, float) and math.isnan(value):
                value = None
            if isinstance(term.field, t.Param | t.Tag) or isinstance(value, bool):
                value = text(value)
            found.append((value, term.descending))
        return found

    def before(one: Any, other: Any) -> int:
        for (a, descending), (b, _) in zip(keys(one), keys(other), strict=True):
            if a == b:
                continue
            if a is None or b is None:
                return 1 if a is None else -1
            return 1 if (a < b) is descending else -1
        return -1 if one.pk > other.pk else 1

    return sorted(runs, key=cmp_to_key(before))


# -- random trees, and how they are written ------------------------------------------------------------------------------------

METRICS = ("loss", "val/loss", "accuracy", "never")
PARAMS = ("lr", "opt", "a b", "0", "never")
TAGS = ("team", "it's", "never")
TEXTS = ("", "0.1", "0.10", "1e-1", "abc", "ABC", "a_b", "a%b", "a\\b", "é", "true", "True", "nan", "1e999", " 1 ", "x" * 120)
PATTERNS = ("%", "a%", "A_b", "%\\%%", "a\\_b", "%é", "_", "\\a\\\\%", "%'%")
NUMBERS = ("0.1", "1", "-1", "0.9", "1e-1", "1e300", "100", "0", "0.10000000000000001")
MOMENTS = tuple(datetime(2026, 11, day, 9, tzinfo=UTC) for day in (1, 2, 3))
REPORTED = (0.1, 1, 1.0, -1, 1e-05, 1e300, 10**30, True, False, None, [1], {"a": 1}, *TEXTS)


def random_field(dice: random.Random) -> t.Field:
    return dice.choice(
        [
            lambda: t.Metric(dice.choice(METRICS), dice.choice(list(t.Part))),
            lambda: t.Param(dice.choice(PARAMS)),
            lambda: t.Tag(dice.choice(TAGS)),
            lambda: t.Attribute(*dice.choice(list(ATTRIBUTES.items()))),
            lambda: t.Data(dice.choice(["name", "digest", "context"])),
        ]
    )()


def random_tree(dice: random.Random, runs: list[Any], depth: int = 3) -> t.Filter:
    kind = dice.random()
    if depth and kind < 0.5:
        if kind < 0.15:
            return t.Not(random_tree(dice, runs, depth - 1))
        parts = tuple(random_tree(dice, runs, depth - 1) for _ in range(dice.randint(2, 3)))
        return t.And(parts) if kind < 0.35 else t.Or(parts)
    field = random_field(dice)
    if kind > 0.9:
        return t.Absent(field, dice.random() < 0.5)
    if kind > 0.85 and isinstance(field, t.Metric):
        return t.NotANumber(field, dice.random() < 0.5)
    if kind > 0.75:
        return t.Among(field, tuple(random_value(dice, field, runs) for _ in range(dice.randint(1, 3))), dice.random() < 0.5)
    if field.shape in (t.Shape.TEXT, t.Shape.LOOSE) and dice.random() < 0.3:
        likes = [t.Operator.LIKE, t.Operator.ILIKE, t.Operator.NOT_LIKE, t.Operator.NOT_ILIKE]
        return t.Compare(field, dice.choice(likes), dice.choice(PATTERNS))
    value = random_value(dice, field, runs)
    equal_only = field.shape in (t.Shape.STATE, t.Shape.FLAG, t.Shape.RUN) or isinstance(value, bool)
    signs = [t.Operator.EQUAL, t.Operator.UNEQUAL]
    if not equal_only:
        signs += [t.Operator.LESS, t.Operator.AT_MOST, t.Operator.GREATER, t.Operator.AT_LEAST]
    return t.Compare(field, dice.choice(signs), value)


def random_value(dice: random.Random, field: t.Field, runs: list[Any]) -> t.Value:
    match field.shape:
        case t.Shape.NUMBER:
            return Decimal(dice.choice([*NUMBERS, "Infinity", "-Infinity"]))
        case t.Shape.SECONDS:
            return Decimal(dice.choice(["0", "60", "90.5", "86400"]))
        case t.Shape.LOOSE:
            return dice.choice([dice.choice(TEXTS), Decimal(dice.choice(NUMBERS)), dice.random() < 0.5])
        case t.Shape.STATE:
            return dice.choice(STATES)
        case t.Shape.MOMENT:
            return dice.choice(MOMENTS)
        case t.Shape.FLAG:
            return dice.random() < 0.5
        case t.Shape.RUN:
            return dice.choice([dice.choice(runs).pk, UUID(int=0)])
    return dice.choice(["digits", "main", "Default", "Sora Scientist", "train", "sdk", *TEXTS])


def random_order(dice: random.Random) -> t.Order:
    fields = {random_field(dice) for _ in range(dice.randint(1, 3))}
    chosen = sorted((field for field in fields if not isinstance(field, t.Data)), key=repr)
    return tuple(t.Term(field, dice.random() < 0.5) for field in chosen)


def written(tree: t.Filter) -> str:
    """The tree as somebody would type it; reading it gives the tree back."""
    match tree:
        case t.And(parts):
            return " and ".join(_inside(part, t.And | t.Or) for part in parts)
        case t.Or(parts):
            return " or ".join(_inside(part, t.Or) for part in parts)
        case t.Not(inner):
            return f"not {_inside(inner, t.And | t.Or)}"
        case t.Absent(field, negated):
            return f"{name_of(field)} is {'not ' if negated else ''}null"
        case t.NotANumber(field, negated):
            return f"{name_of(field)} IS {'NOT ' if negated else ''}NaN"
        case t.Compare(field, operator, value):
            return f"{name_of(field)} {operator} {_literal(value)}"
        case t.Among(field, several, negated):
            return f"{name_of(field)} {'not ' if negated else ''}in ({', '.join(map(_literal, several))})"
    raise TypeError(tree)


def _inside(tree: t.Filter, wrapped: Any) -> str:
    return f"({written(tree)})" if isinstance(tree, wrapped) else written(tree)


def name_of(field: t.Field) -> str:
    scope = {t.Metric: "metrics", t.Param: "params", t.Tag: "tags", t.Attribute: "attributes", t.Data: "dataset"}[type(field)]
    quoted = '"' + field.name.replace('"', '""') + '"'
    return f"{scope}.{quoted}" + (f".{field.part}" if isinstance(field, t.Metric) else "")


def _literal(value: t.Value) -> str:
    if isinstance(value, bool | Decimal):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"
