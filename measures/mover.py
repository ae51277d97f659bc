"""Intervals of a difference and of a ratio of two measured numbers, recovered from the interval of each (MOVER).

The two may be measured on the same rows: then `correlation` is that of the rows' scores, and the interval becomes shorter. As
each side brings its own interval, neither formula collapses where nothing varied in the sample, as a bootstrap would.
Sources: Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008), for the
difference; Donner and Zou, "Closed-form confidence intervals for functions of the normal mean and standard deviation",
Statistical Methods in Medical Research 21 (2012), for the ratio.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from measures.estimate import Estimate, NotMeasurable


def correlation_of(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's correlation of the scores [n] of the same rows; 0 (the cautious value) where one of them does not vary."""
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise NotMeasurable("Two scores of the same rows are two lists of equal length.")
    if a.size == 0:
        return 0.0
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(np.clip(a @ b / scale, -1.0, 1.0)) if scale > 0 else 0.0


def difference(first: Estimate, second: Estimate, *, correlation: float = 0.0) -> Estimate:
    """first - second with its interval; both must bound both sides, at the same confidence."""
    l1, u1, l2, u2 = _limits(first, second)
    value = first.value - second.value
    down = _joined(first.value - l1, u2 - second.value, correlation)
    up = _joined(u1 - first.value, second.value - l2, correlation)
    return Estimate(value, value - down, value + up, min(first.n, second.n), first.confidence, _named(first))


def ratio(first: Estimate, second: Estimate, *, correlation: float = 0.0) -> Estimate:
    """first / second of two numbers that cannot be negative; `high` is None where the second may be nought.

    Raises NotMeasurable where the second is nought: the ratio then does not exist.
    """
    l1, u1, l2, u2 = _limits(first, second)
    a, b, r = first.value, second.value, correlation
    if b <= 0 or min(a, l1, l2) < 0:
        raise NotMeasurable("A ratio needs numbers that are not negative, and a second one that is not nought.")
    value = a / b
    low = _root(a * b - r * (a - l1) * (u2 - b), l1 * u2 * (2 * a - l1) * (2 * b - u2), u2 * (2 * b - u2), upper=False)
    high = _root(a * b - r * (u1 - a) * (b - l2), u1 * l2 * (2 * a - u1) * (2 * b - l2), l2 * (2 * b - l2), upper=True)
    bounded = None if high is None else max(value, high)
    return Estimate(value, min(value, max(0.0, low or 0.0)), bounded, min(first.n, second.n), first.confidence, _named(first))


def relative_drop(after: Estimate, before: Estimate, *, correlation: float = 0.0) -> Estimate:
    """1 - after / before: the share of `before` that was lost; negative where it became more."""
    kept = ratio(after, before, correlation=correlation)
    low = None if kept.high is None else 1.0 - kept.high
    high = None if kept.low is None else 1.0 - kept.low
    return Estimate(1.0 - kept.value, low, high, kept.n, kept.confidence, kept.method)


def relative_rise(after: Estimate, before: Estimate, *, correlation: float = 0.0) -> Estimate:
    """after / before - 1: what came on top, as a share of `before`."""
    kept = ratio(after, before, correlation=correlation)
    low = None if kept.low is None else kept.low - 1.0
    high = None if kept.high is None else kept.high - 1.0
    return Estimate(kept.value - 1.0, low, high, kept.n, kept.confidence, kept.method)


def _limits(first: Estimate, second: Estimate) -> tuple[float, float, float, float]:
    if first.confidence != second.confidence:
        raise NotMeasurable("Two intervals of different confidence cannot be joined.")
    if None in (first.low, first.high, second.low, second.high):
        raise NotMeasurable("An interval without a bound cannot be joined with another.")
    return first.low, first.high, second.low, second.high  # type: ignore[return-value] # None was refused above


def _joined(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one * one - 2.0 * correlation * one * other + other * other))


def _root(middle: float, product: float, scale: float, *, upper: bool) -> float | None:
    """The limit from the quadratic of Donner and Zou; None where it has none (the second number may be nought)."""
    if scale <= 0:
        return None
    inside = math.sqrt(max(0.0, middle * middle - product))
    return (middle + inside if upper else middle - inside) / scale


def _named(estimate: Estimate) -> str:
    return f"mover, {estimate.method.partition(',')[0]} on each side"
