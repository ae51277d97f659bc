"""What the points of a curve must look like when they arrive: whole, or to be added to what is there."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from data_registry.documents import require_text
from tracking.points import Points
from tracking.rules import only

SERIES, POINTS = 200, 100_000  # of a run that is recorded whole
MOST_SERIES, AT_ONCE = 2_000, 1_000_000  # of a run that grows; points in one message
MOST_POINTS = 20_000_000  # of all curves of a run: half a GB as it is kept
NAME = 250
STEP = 2**53 - 1
MOMENT = 2**53 - 1  # milliseconds
SERIES_KEYS = frozenset({"name", "unit", "steps", "values"})
ADDED_KEYS = SERIES_KEYS | {"times", "packed"}
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class Curve:
    """Points for one series."""

    name: str
    unit: str
    points: Points


def require_series(series: Any) -> list[Curve]:
    """[{name, unit, steps, values}] with strictly ascending steps and finite values."""
    if not isinstance(series, list | tuple) or len(series) > SERIES:
        raise InvalidInput(_("The curves must be a list of at most %(most)d.") % {"most": SERIES})
    kept = [_one_series(place, one) for place, one in enumerate(series, start=1)]
    names = [one.name for one in kept]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(_("The curve “%(name)s” is given twice.") % {"name": twice})
    return kept


def require_points(series: Any) -> list[Curve]:
    """[{name, unit, steps, values, times}] to be added: steps in any order, values that may be "NaN", "Infinity" and
    "-Infinity". Instead of the three lists `packed` may hold them as base64 of little-endian int64, float64 and int64."""
    if not isinstance(series, list | tuple) or len(series) > MOST_SERIES:
        raise InvalidInput(_("The curves must be a list of at most %(most)d.") % {"most": MOST_SERIES})
    kept = [_added(place, one) for place, one in enumerate(series, start=1)]
    if sum(len(one.points) for one in kept) > AT_ONCE:
        raise InvalidInput(_("At most %(most)d points can be sent at once: send them in parts.") % {"most": AT_ONCE})
    return kept


def _added(place: int, series: Any) -> Curve:
    only(series, ADDED_KEYS, what=_("Curve %(place)d") % {"place": place})
    name, unit = _named(place, series)
    points = _unpacked(name, series["packed"]) if "packed" in series else _listed(name, series)
    if not len(points):
        raise InvalidInput(_("The curve “%(name)s” has no point.") % {"name": name})
    if not (_within(points.steps, STEP) and _within(points.times, MOMENT)):
        raise InvalidInput(_("A step or a time of the curve “%(name)s” is too large a number.") % {"name": name})
    return Curve(name, unit, points)


def _within(numbers: np.ndarray, most: int) -> bool:
    return -most <= int(numbers.min()) and int(numbers.max()) <= most


def _listed(name: str, series: Mapping[str, Any]) -> Points:
    steps, values, times = series.get("steps"), series.get("values"), series.get("times")
    if not _is_list(steps) or not _is_list(values) or len(steps) != len(values) or not (times is None or _is_list(times)):
        raise InvalidInput(_("The curve “%(name)s” needs as many steps as values.") % {"name": name})
    if times is not None and len(times) != len(steps):
        raise InvalidInput(_("The curve “%(name)s” needs as many times as steps, or none.") % {"name": name})
    if not all(type(step) is int and abs(step) <= STEP for step in [*steps, *(times or [])]):
        raise InvalidInput(
            _("The steps and times (milliseconds since 1970) of the curve “%(name)s” must be whole numbers.") % {"name": name}
        )
    return Points.of(steps, [_number(name, value) for value in values], times)


def _number(name: str, value: Any) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    if type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:  # a whole number beyond every float
            pass
    raise InvalidInput(
        _("The curve “%(name)s” holds %(value)s, which is no number; NaN, Infinity and -Infinity are sent as texts.")
        % {"name": name, "value": str(value)[:40].replace("\x00", "")}
    )


def _unpacked(name: str, packed: Any) -> Points:
    try:
        parts = [base64.b64decode(packed[part], validate=True) for part in ("steps", "values", "times")]
        points = Points.unpacked(*parts)
    except (KeyError, TypeError, ValueError, binascii.Error):
        points = None
    if points is None or not len(points.steps) == len(points.values) == len(points.times):
        raise InvalidInput(
            _("The packed curve “%(name)s” needs steps, values and times: base64 of as many 8-byte numbers each.")
            % {"name": name}
        )
    return points


def _named(place: int, series: Mapping[str, Any]) -> tuple[str, str]:
    name, unit = series.get("name"), series.get("unit", "")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= NAME or not isinstance(unit, str) or len(unit) > 40:
        raise InvalidInput(
            _("Curve %(place)d needs a name of 1 to %(most)d characters and a unit of at most 40.")
            % {"place": place, "most": NAME}
        )
    require_text(name + unit, name=_("The name of a curve"))
    return name.strip(), unit


def _one_series(place: int, series: Any) -> Curve:
    only(series, SERIES_KEYS, what=_("Curve %(place)d") % {"place": place})
    name, unit = _named(place, series)
    steps, values = series.get("steps"), series.get("values")
    if not _is_list(steps) or not _is_list(values) or not 1 <= len(steps) == len(values) <= POINTS:
        raise InvalidInput(
            _("The curve “%(name)s” needs as many steps as values, from 1 to %(most)d.") % {"name": name, "most": POINTS}
        )
    before = -1
    for step, value in zip(steps, values, strict=True):
        if type(step) is not int or not before < step <= STEP:
            raise InvalidInput(
                _("The steps of the curve “%(name)s” must be whole numbers from 0 that ascend; after %(before)s comes %(step)s.")
                % {"name": name, "before": before if before >= 0 else _("nothing"), "step": str(step)[:40]}
            )
        if type(value) not in (int, float) or not _finite(value):
            raise InvalidInput(
                _("The curve “%(name)s” has no finite number at step %(step)d: leave such points out.")
                % {"name": name, "step": step}
            )
        before = step
    return Curve(name, unit, Points.of(steps, values))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
