"""Shares whose rows are not all independent, or that are no counts: a ratio of sums over groups, a mean of values in 0..1.

The variance of the ratio between groups (the linearisation of Cochran, Sampling Techniques, 6.3) says how many independent rows
a plain proportion would need for it: theta (1 - theta) / variance. The interval is Jeffreys' for so many rows. Near 0 and 1,
where a few groups decide, their number is held to that of the groups: no error in 30 groups is not taken for more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measures.estimate import CONFIDENCE, Estimate, unknown
from measures.proportions import jeffreys

METHOD = "jeffreys on effective rows"
ENOUGH = 10  # groups that tell; with so many, their variance is believed


def effective_rows(share: float, variance: float, *, units: float, telling: int) -> float:
    """The rows of a plain proportion with this variance.

    `units` are the groups (or rows) that are independent, `telling` those of them that are not wholly of the commoner side.
    """
    rows = share * (1.0 - share) / variance if variance > 0.0 else np.inf
    return max(1.0, min(rows, np.inf if telling >= ENOUGH and variance > 0.0 else units))


def ratio(
    tops: NDArray[np.floating] | NDArray[np.integer],
    bottoms: NDArray[np.floating] | NDArray[np.integer],
    *,
    units: int,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """sum(tops) / sum(bottoms), each [groups] with 0 <= top <= bottom, with its interval; unknown where the bottoms are 0."""
    t, b = np.asarray(tops, dtype=np.float64), np.asarray(bottoms, dtype=np.float64)
    held = b > 0
    t, b = t[held], b[held]
    total = float(b.sum())
    if total <= 0.0:
        return unknown(0.0, 1.0, confidence=confidence, method=METHOD)
    share = min(max(float(t.sum()) / total, 0.0), 1.0)
    groups = b.size
    variance = float(((t - share * b) ** 2).sum()) / total**2 * groups / max(1, groups - 1)
    telling = int(min((t < b).sum(), (t > 0).sum()))
    rows = effective_rows(share, variance, units=max(1, min(units, round(total))), telling=telling)
    low, high = jeffreys(share * rows, rows, confidence=confidence)
    return Estimate(share, min(low, share), max(high, share), max(1, round(total)), confidence, METHOD)


def mean_share(values: NDArray[np.floating], *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of independent values [n] in 0..1 with its interval."""
    v = np.asarray(values, dtype=np.float64)
    return ratio(v, np.ones(v.size), units=v.size, confidence=confidence)


def f1_of(jaccard: Estimate) -> Estimate:
    """F1 = 2 J / (1 + J) from the share J of what is right among what is either; its interval is J's, carried over."""

    def carried(j: float | None) -> float | None:
        return None if j is None else 2.0 * j / (1.0 + j)

    return Estimate(
        2.0 * jaccard.value / (1.0 + jaccard.value),
        carried(jaccard.low),
        carried(jaccard.high),
        jaccard.n,
        jaccard.confidence,
        jaccard.method,
    )


def mean_of_all(estimates: list[Estimate], *, n: int) -> Estimate | None:
    """The mean of several estimates of the same rows; None where none is known.

    Whatever their correlation, the deviation of a mean is at most the mean deviation, so its interval is the mean of theirs:
    wide enough, rather too wide.
    """
    known = [e for e in estimates if e.known]
    if not known:
        return None
    value = float(np.mean([e.value for e in known]))
    low = float(np.mean([0.0 if e.low is None else e.low for e in known]))
    high = float(np.mean([1.0 if e.high is None else e.high for e in known]))
    return Estimate(value, min(low, value), max(high, value), n, known[0].confidence, "mean of the classes' intervals")


def mean_of_disjoint(estimates: list[Estimate], *, n: int) -> Estimate | None:
    """The mean of estimates that rest on different rows (the positives of each class); None where none is known.

    Their deviations are nearly independent, so the distances to their bounds are added in quadrature.
    """
    known = [e for e in estimates if e.known]
    if not known:
        return None
    value = float(np.mean([e.value for e in known]))
    down = float(np.sqrt(sum((e.value - (e.low or 0.0)) ** 2 for e in known))) / len(known)
    up = float(np.sqrt(sum(((1.0 if e.high is None else e.high) - e.value) ** 2 for e in known))) / len(known)
    low, high = max(0.0, value - down), min(1.0, value + up)
    return Estimate(value, low, high, n, known[0].confidence, "classes' bounds, in quadrature")
