"""Average precision: the mean, over the positive rows, of the precision among the rows that score at least as high.

Equal scores are one threshold, as in scikit-learn. The interval treats the positives as trials, as Boyd, Eng and Page found best
(ECML PKDD 2013): Jeffreys' interval of the value among so many rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, unknown
from measures.proportions import jeffreys

METHOD = "jeffreys, of the positives"


def average_precision(
    scores: NDArray[np.floating], positive: NDArray[np.bool_], *, groups: int | None = None, confidence: float = CONFIDENCE
) -> Estimate:
    """Average precision of `scores` [n] against `positive` [n]; `groups` is how many groups the positives belong to, if any."""
    scores, positive = np.asarray(scores, dtype=np.float64), np.asarray(positive).astype(bool)
    if scores.shape != positive.shape or scores.ndim != 1 or not np.isfinite(scores).all():
        raise NotMeasurable("Average precision needs one finite score for each row.")
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), ordered.size - 1) if ordered.size else np.zeros(0, dtype=np.int64)
    hits = np.cumsum(positive[order])[ends]
    total = int(positive.sum())
    value = float((np.diff(hits, prepend=0) * (hits / (ends + 1))).sum() / total) if total else 0.0
    return _estimate(value, total, groups=groups, n=positive.size, confidence=confidence)


def binned_precision(
    negative: NDArray[np.integer],
    positive: NDArray[np.integer],
    *,
    groups: int | None = None,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The same from counts [bins] of rows in bins of rising score, each positive where it is expected in a random order of its
    bin: right to 1e-4 where ties would be off by 1e-3."""
    gained, rows = positive[::-1].astype(np.float64), (positive + negative)[::-1].astype(np.float64)
    hits, taken = np.cumsum(gained) - gained, np.cumsum(rows) - rows  # before each bin
    held = gained > 0
    g, h, step = gained[held], hits[held], (rows[held] + 1.0) / (gained[held] + 1.0)
    start = taken[held] / step  # the j-th positive of a bin is expected after `taken + j step` rows
    area = (g + (h - start) * (digamma(start + g + 1.0) - digamma(start + 1.0))) / step
    total = int(positive.sum())
    value = float(area.sum() / total) if total else 0.0
    return _estimate(value, total, groups=groups, n=int(rows.sum()), confidence=confidence)


def _estimate(value: float, positives: int, *, groups: int | None, n: int, confidence: float) -> Estimate:
    if positives == 0:
        return unknown(0.0, 1.0, confidence=confidence, method=METHOD)
    value = min(1.0, max(0.0, value))
    trials = positives if groups is None else max(1, min(positives, groups))
    low, high = jeffreys(value * trials, trials, confidence=confidence)
    return Estimate(value, min(low, value), max(high, value), n, confidence, METHOD)
