"""Named things side by side: which differ, which are equal, which were not reported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One name with a text for each of the compared; None where it was not reported."""

    name: str
    values: tuple[str | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows in which the compared differ, and those in which all are alike."""

    differing: tuple[Row, ...]
    equal: tuple[Row, ...]

    def __bool__(self) -> bool:
        return bool(self.differing or self.equal)


def sides(reported: Sequence[Mapping[str, Any]], names: Iterable[str] | None = None) -> Sides:
    """One row for each name, by the alphabet (`names`: these, in this order, where anybody reported them)."""
    known = {name for one in reported for name in one}
    wanted = sorted(known, key=lambda name: (name.lower(), name)) if names is None else [name for name in names if name in known]
    rows = [row(name, [one.get(name) for one in reported]) for name in wanted]
    return Sides(tuple(one for one in rows if one.differs), tuple(one for one in rows if not one.differs))


def row(name: str, values: Sequence[Any]) -> Row:
    """Values differ unless they are written alike, or are the same number: 0.01, "0.01" and 1e-2."""
    return Row(name, tuple(shown(value) for value in values), differs=any(not alike(values[0], value) for value in values[1:]))


def alike(one: Any, other: Any) -> bool:
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return first == second
    return shown(one) == shown(other)


def shown(value: Any) -> str | None:
    """The value as it is written: texts bare, all else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 400:
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
