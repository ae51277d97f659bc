"""Percentiles with intervals that assume nothing about the distribution: latencies have heavy tails."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail


def percentile(values: NDArray[np.floating], q: float, *, least: float = 0.0, confidence: float = CONFIDENCE) -> Estimate:
    """The q-quantile (0 < q < 1) of a sample [n]: the smallest value that at least n*q of the sample do not exceed.

    The interval lies between two order statistics, whose ranks follow Binomial(n, q) (Conover, Practical Nonparametric
    Statistics, 3.2). `high` is None when even the largest value seen does not bound the quantile at this confidence: for the
    99th percentile at 95 %, with fewer than 368 values. A missing lower rank is bounded by `least`.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    n, out = ordered.size, tail(confidence)
    if n == 0:
        raise NotMeasurable("There is no value to take a percentile of.")
    if not np.isfinite(ordered).all() or not 0.0 < q < 1.0:
        raise NotMeasurable("A percentile needs finite values and a rank between 0 and 1.")
    below = bdtr(np.arange(n + 1, dtype=np.float64), n, q)  # P(at most k of the values lie at or below the quantile)
    lower = int(np.searchsorted(below, out))  # the largest rank r with P(fewer than r) <= out
    upper = int(np.searchsorted(below, 1.0 - out)) + 1  # the smallest rank r with P(at least r) <= out
    value = float(ordered[max(math.ceil(n * q - 1e-9), 1) - 1])
    low = float(ordered[lower - 1]) if lower >= 1 else min(least, value)
    high = float(ordered[upper - 1]) if upper <= n else None
    return Estimate(value, min(low, value), None if high is None else max(high, value), n, confidence, "order statistics")
