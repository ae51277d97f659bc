"""Parts of the data on which a model is worse than on the rest: every value of every declared column against its complement.

Two hundred slices without any fault raise 10.6 flags at p < .05. So p-values are corrected over all slices (Benjamini and
Hochberg, JRSS B 57, 1995), and a slice is called weak only if it is worse by an amount that matters, too.
A slice holds sums: rows, the sum of a value of each row (1 for right, an error) and of its squares. Sums add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm, t

from measures.confusion import Floats
from measures.differences import newcombe
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail, unknown
from measures.proportions import proportion

MIN_ROWS = 50
MIN_ERRORS = 5  # expected, on either side: below, the normal approximation of the test does not hold
MIN_EFFECT = 0.03
Q = 0.05


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice against its complement. `worse` is how much worse it is (positive: worse); `p` and `q` are None where the rows
    do not suffice, and `adjusted` is the p-value after the correction over all slices."""

    place: int
    value: Estimate
    worse: Estimate
    enough: bool
    p: float | None
    adjusted: float | None
    weak: bool


def slice_sums(codes: NDArray[np.integer], slices: int, values: Floats | NDArray[np.bool_]) -> Floats:
    """[3, slices]: rows, sum and sum of squares of `values` [n] for each code 0..slices-1; other codes are left out.

    Values that are right or wrong (bool) are their own squares.
    """
    codes = np.asarray(codes)
    if codes.size and (codes.min() < 0 or codes.max() >= slices):
        kept = (codes >= 0) & (codes < slices)
        codes, values = codes[kept], values[kept]
    if values.dtype == np.bool_:
        both = np.bincount(codes * 2 + values, minlength=2 * slices).reshape(slices, 2).astype(np.float64)
        return np.stack([both.sum(axis=1), both[:, 1], both[:, 1]])
    return np.stack([np.bincount(codes, weights=w, minlength=slices) for w in (None, values, values * values)]).astype(np.float64)


def compared(
    sums: Sequence[Floats],
    *,
    rates: bool,
    higher_is_better: bool = True,
    min_rows: int = MIN_ROWS,
    min_effect: float = MIN_EFFECT,
    q: float = Q,
    confidence: float = CONFIDENCE,
) -> list[list[Slice]]:
    """Each column's slices [3, slices] against their complement; the correction runs over the slices of all columns.

    `rates`: the values are right or wrong, so intervals are those of proportions, and at least 5 errors and 5 right rows must be
    expected on either side. Otherwise they are any finite numbers. `min_effect` is in the unit of the value.
    """
    if not 0.0 < q < 1.0:
        raise NotMeasurable(f"A false discovery rate lies between 0 and 1, not at {q!r}.")
    if min_rows < 2 or min_effect < 0.0:
        raise NotMeasurable("A slice needs at least 2 rows, and a least effect that is not negative.")
    whole = [column.sum(axis=1, keepdims=True) for column in sums]
    tests = [_tested(a, w - a, rates=rates, min_rows=min_rows) for a, w in zip(sums, whole, strict=True)]
    known = [p for _z, ps in tests for p in ps if p is not None]
    adjusted = iter(false_discovery_control(known)) if known else iter(())
    found = []
    for column, total, (_z, ps) in zip(sums, whole, tests, strict=True):
        rows = []
        for place, p in enumerate(ps):
            inside, outside = column[:, place], total[:, 0] - column[:, place]
            worse = _worse(inside, outside, rates=rates, higher_is_better=higher_is_better, confidence=confidence)
            after = None if p is None else float(next(adjusted))
            weak = after is not None and after <= q and worse.value > 0.0 and worse.value >= min_effect
            value = _value(inside, rates=rates, confidence=confidence)
            rows.append(Slice(place, value, worse, p is not None, p, after, weak))
        found.append(rows)
    return found


def _tested(inside: Floats, outside: Floats, *, rates: bool, min_rows: int) -> tuple[Floats, list[float | None]]:
    """z (or Welch's t) of each slice [slices] and its two-sided p-value; None where the rows do not suffice."""
    n, m = inside[0], outside[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = inside[1] / n - outside[1] / m
        if rates:
            pooled = (inside[1] + outside[1]) / (n + m)
            least = np.minimum(n, m) * np.minimum(pooled, 1.0 - pooled)
            enough = (n >= min_rows) & (m >= min_rows) & (least >= MIN_ERRORS)
            z = apart / np.sqrt(pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m))
            p = 2.0 * norm.sf(np.abs(z))
        else:
            enough = (n >= min_rows) & (m >= min_rows)
            a, b = _variance(inside) / n, _variance(outside) / m
            z = apart / np.sqrt(a + b)
            p = 2.0 * t.sf(np.abs(z), (a + b) ** 2 / (a * a / (n - 1.0) + b * b / (m - 1.0)))
    z, p = np.where(apart == 0.0, 0.0, z), np.where(apart == 0.0, 1.0, p)
    return z, [float(one) if held and np.isfinite(one) else None for one, held in zip(p, enough, strict=True)]


def _variance(sums: Floats) -> Floats:
    n = sums[0]
    return np.asarray(np.maximum(sums[2] - sums[1] ** 2 / np.maximum(n, 1.0), 0.0) / np.maximum(n - 1.0, 1.0))


def _value(sums: Floats, *, rates: bool, confidence: float) -> Estimate:
    n = int(sums[0])
    if rates:
        return proportion(int(sums[1]), n, confidence=confidence)
    return mean_estimate(n, float(sums[1]), float(sums[2]), confidence=confidence)


def mean_estimate(n: int, total: float, squares: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of n values from their sum and sum of squares, with Student's interval.

    One value, or values that are all alike, bound nothing: of their spread nothing is known.
    """
    value = total / n if n else 0.0
    error = np.sqrt(max(squares - total * total / n, 0.0) / (n - 1) / n) if n > 1 else 0.0
    if error == 0.0:
        return Estimate(value, None, None, n, confidence, "student")
    half = float(t.ppf(1.0 - tail(confidence), n - 1) * error)
    return Estimate(value, value - half, value + half, n, confidence, "student")


def _worse(inside: Floats, outside: Floats, *, rates: bool, higher_is_better: bool, confidence: float) -> Estimate:
    better, worse = (outside, inside) if higher_is_better else (inside, outside)
    n = int(inside[0])
    if rates:
        if not inside[0] or not outside[0]:
            return unknown(-1.0, 1.0, confidence=confidence, method="newcombe")
        first, second = (int(better[1]), int(better[0])), (int(worse[1]), int(worse[0]))
        low, high = newcombe(first, second, confidence=confidence)
        value = first[0] / first[1] - second[0] / second[1]
        return Estimate(value, min(low, value), max(high, value), n, confidence, "newcombe")
    if inside[0] < 2 or outside[0] < 2:
        return Estimate(0.0, None, None, 0, confidence, "welch")
    value = float(better[1] / better[0] - worse[1] / worse[0])
    a, b = float(_variance(inside) / inside[0]), float(_variance(outside) / outside[0])
    if a + b == 0.0:
        return Estimate(value, None, None, n, confidence, "welch")
    freedom = (a + b) ** 2 / (a * a / (inside[0] - 1.0) + b * b / (outside[0] - 1.0))
    half = float(t.ppf(1.0 - tail(confidence), freedom) * np.sqrt(a + b))
    return Estimate(value, value - half, value + half, n, confidence, "welch")
