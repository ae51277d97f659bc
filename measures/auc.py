"""The area under the ROC curve: the share of (positive, negative) pairs whose positive has the higher score; ties count half.

Its variance is DeLong's (DeLong, DeLong, Clarke-Pearson, Biometrics 44, 1988), computed from mid-ranks (Sun and Xu, IEEE Signal
Processing Letters 21, 2014). Normal intervals around it cover far too little where models are good (0.65 for a nominal 0.95 at
20 positives and an area of 0.98), so the variance is turned into the number of rows that a plain proportion would need for it,
held to twice the rows of the smaller side where few pairs are misordered, and the interval is Jeffreys' for so many rows: it
covers at least 0.93 for areas from 0.6 to 0.998 and 20 to 1,000 rows a side, and says something honest at an area of 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail, unknown
from measures.proportions import jeffreys

METHOD = "delong, as jeffreys on effective rows"
_ENOUGH_MISORDERED = 10.0  # rows of the smaller side; with more, DeLong's variance needs no cap


@dataclass(frozen=True, slots=True)
class Difference:
    """Two areas on the same rows, `difference` = first - second, and the two-sided p-value of there being none."""

    first: Estimate
    second: Estimate
    difference: Estimate
    p: float


@dataclass(frozen=True, slots=True)
class _Placed:
    """An area with each row's influence on it, [n]: how far the area would move with the row's placement, in rows' shares."""

    area: float
    influence: Floats
    positives: int
    negatives: int


def auc(
    scores: NDArray[np.floating],
    positive: NDArray[np.bool_],
    *,
    groups: NDArray[np.integer] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The area of `scores` [n] against `positive` [n] with its interval; n = 0 where one side has no row.

    With `groups` [n] (whole numbers), rows of one group belong together and the variance is that between groups.
    """
    scores, positive = _checked(scores, positive)
    if not 0 < positive.sum() < positive.size:
        return unknown(0.0, 1.0, confidence=confidence, method=METHOD)
    placed = _placed(scores, positive)
    return interval_of(
        placed.area,
        _covariance([placed], positive, groups)[0, 0],
        positives=placed.positives,
        negatives=placed.negatives,
        groups=None if groups is None else len(np.unique(groups)),
        confidence=confidence,
    )


def mean_auc(
    scores: NDArray[np.floating],
    positive: NDArray[np.bool_],
    *,
    groups: NDArray[np.integer] | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate | None:
    """The mean of the areas of K columns of scores [n, K] against positive [n, K]; None where no column has both sides.

    Its variance counts what the columns share: each row's influences on all of them are summed first.
    """
    sides = np.asarray(positive).sum(axis=0)
    held = np.flatnonzero((sides > 0) & (sides < len(positive)))
    if not held.size:
        return None
    influence: Floats = np.zeros(len(positive))
    areas, smaller = [], 0
    for k in held:
        own = _checked(scores[:, k], positive[:, k])
        placed = _placed(*own)
        influence += placed.influence / np.where(own[1], placed.positives, placed.negatives)
        areas.append(placed.area)
        smaller += min(placed.positives, placed.negatives)
    shares: Floats = influence / held.size
    if groups is not None:
        _names, number = np.unique(np.asarray(groups), return_inverse=True)
        shares = np.asarray(np.bincount(number, weights=shares), dtype=np.float64)
    variance = float((shares**2).sum()) * shares.size / max(1, shares.size - 1)
    found = interval_of(
        float(np.mean(areas)),
        variance,
        positives=smaller,
        negatives=smaller,
        groups=None if groups is None else shares.size,
        confidence=confidence,
    )
    return Estimate(found.value, found.low, found.high, len(positive), confidence, METHOD)


def paired_auc(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    positive: NDArray[np.bool_],
    *,
    groups: NDArray[np.integer] | None = None,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Two models' scores [n] on the same rows: both areas, and their difference with DeLong's interval for correlated areas.

    Refuses rows of one side only. Where the two order the rows alike the variance is zero; the interval still leaves the room
    that so few rows leave (Jeffreys' bound for no misordered row among twice the smaller side).
    """
    first, positive = _checked(first, positive)
    second, positive = _checked(second, positive)
    if not 0 < positive.sum() < positive.size:
        raise NotMeasurable("Two areas can be compared only where there are positive and negative rows.")
    placed = [_placed(first, positive), _placed(second, positive)]
    covariance = _covariance(placed, positive, groups)
    variance = max(0.0, float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    value, n = placed[0].area - placed[1].area, positive.size
    smaller = min(placed[0].positives, placed[0].negatives)
    rows = 2 * smaller if groups is None else min(2 * smaller, len(np.unique(groups)))
    out = tail(confidence)
    half = max(float(-ndtri(out)) * np.sqrt(variance), jeffreys(0, rows, confidence=confidence)[1])
    p = 1.0 if value == 0.0 else 0.0 if variance == 0.0 else float(2.0 * ndtr(-abs(value) / np.sqrt(variance)))
    between = Estimate(value, max(-1.0, value - half), min(1.0, value + half), n, confidence, "delong, paired")
    return Difference(
        auc(first, positive, groups=groups, confidence=confidence),
        auc(second, positive, groups=groups, confidence=confidence),
        between,
        p,
    )


def interval_of(
    area: float,
    variance: float,
    *,
    positives: int,
    negatives: int,
    groups: int | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """An area with Jeffreys' interval on its effective rows, area (1 - area) / variance, capped as the module says."""
    area = min(max(float(area), 0.0), 1.0)
    smaller = min(positives, negatives)
    cap = 2.0 * smaller * max(1.0, smaller * min(area, 1.0 - area) / _ENOUGH_MISORDERED)
    if groups is not None:
        cap = min(cap, groups)
    spread = area * (1.0 - area)
    rows = spread / variance if variance > 0.0 else np.inf
    rows = max(1.0, min(rows, cap if spread > 0.0 else min(cap, smaller)))
    low, high = jeffreys(area * rows, rows, confidence=confidence)
    return Estimate(area, min(low, area), max(high, area), positives + negatives, confidence, METHOD)


def binned(negative: NDArray[np.integer], positive: NDArray[np.integer], *, groups: int | None, confidence: float) -> Estimate:
    """The area from counts [bins] of negative and positive rows in bins of rising score, as if rows of a bin were tied."""
    m, n = int(positive.sum()), int(negative.sum())
    if not (m and n):
        return unknown(0.0, 1.0, confidence=confidence, method=METHOD)
    below_negative = (np.cumsum(negative) - negative / 2.0) / n  # of each positive in the bin, the negatives it outranks
    above_positive = 1.0 - (np.cumsum(positive) - positive / 2.0) / m
    area = float((positive * below_negative).sum() / m)

    def variance(counts: NDArray[np.integer], placements: Floats, rows: int) -> float:
        return float((counts * (placements - area) ** 2).sum() / max(1, rows - 1) / rows)

    spread = variance(positive, below_negative, m) + variance(negative, above_positive, n)
    return interval_of(area, spread, positives=m, negatives=n, groups=groups, confidence=confidence)


def _checked(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.bool_]]:
    wide, side = np.asarray(scores, dtype=np.float64), np.asarray(positive).astype(bool)
    if wide.ndim != 1 or wide.shape != side.shape:
        raise NotMeasurable(f"There are {wide.size:,} scores for {side.size:,} rows; each row needs one.")
    if not np.isfinite(wide).all():
        raise NotMeasurable("A score is not a finite number, so the rows cannot be put in order.")
    return wide, side


def _placed(scores: Floats, positive: NDArray[np.bool_]) -> _Placed:
    m = int(positive.sum())
    n = positive.size - m
    ranks = rankdata(scores)
    placement = np.empty(positive.size)
    placement[positive] = (ranks[positive] - rankdata(scores[positive])) / n
    placement[~positive] = 1.0 - (ranks[~positive] - rankdata(scores[~positive])) / m
    area = float(placement[positive].mean())
    return _Placed(area, placement - area, m, n)


def _covariance(placed: list[_Placed], positive: NDArray[np.bool_], groups: NDArray[np.integer] | None) -> Floats:
    """[k, k]: DeLong's covariance of the areas, or that of the groups' summed influences (a sandwich) where rows are grouped."""
    values = np.stack([each.influence for each in placed])
    m, n = placed[0].positives, placed[0].negatives
    if groups is None:
        return _spread(values[:, positive]) / m + _spread(values[:, ~positive]) / n
    _names, number = np.unique(np.asarray(groups), return_inverse=True)
    shares = values / np.where(positive, m, n)
    sums = np.stack([np.bincount(number, weights=row) for row in shares])
    count = sums.shape[1]
    return np.asarray(sums @ sums.T * count / max(1, count - 1))


def _spread(values: Floats) -> Floats:
    """[k, k]: the unbiased covariance of rows [k, n]; zero where a single column tells nothing."""
    if values.shape[1] < 2:
        return np.zeros((len(values), len(values)))
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred @ centred.T / (values.shape[1] - 1))
