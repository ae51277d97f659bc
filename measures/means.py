"""Means over rows with their intervals: of scores between 0 and 1, and of many columns at once."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from measures.cells import REPLICATES, SEED
from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.proportions import jeffreys


def mean_score(scores: Floats, *, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of scores [n] in [0, 1], by Jeffreys' interval of a proportion with as many successes.

    Exact for scores of 0 and 1. Scores in between vary less than a proportion of the same mean, so the interval is then longer
    than it need be, never shorter; and it does not collapse where all rows score the same.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.size == 0 or not (scores.min() >= 0.0 and scores.max() <= 1.0):
        raise NotMeasurable("A mean score needs rows, each with a score between 0 and 1.")
    value = float(np.clip(scores.mean(), 0.0, 1.0))
    low, high = jeffreys(min(float(scores.sum()), float(scores.size)), scores.size, confidence=confidence)
    return Estimate(value, min(low, value), max(high, value), scores.size, confidence, "jeffreys")


def column_means(
    values: Floats, *, confidence: float = CONFIDENCE, replicates: int = REPLICATES, seed: int = SEED
) -> list[Estimate]:
    """The mean of each column of `values` [n, columns] over the rows, by the bootstrap of the rows, the same for all columns.

    Each interval is at least as long as Student's, because percentiles of few rows are too near the value.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or len(values) == 0 or not np.isfinite(values).all():
        raise NotMeasurable("Means of columns need rows of finite numbers.")
    n, out = len(values), tail(confidence)
    means = values.mean(axis=0)
    if n == 1:
        return [Estimate(float(mean), None, None, 1, confidence, "one row: no bound") for mean in means]
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates) / n
    drawn = weights @ values
    low, high = np.quantile(drawn, [out, 1.0 - out], axis=0)
    half = float(stdtrit(n - 1, 1.0 - out)) * values.std(axis=0, ddof=1) / np.sqrt(n)
    method = f"bootstrap of rows, {replicates:,} replicates"
    return [
        Estimate(float(mean), float(min(a, mean - h)), float(max(b, mean + h)), n, confidence, method)
        for mean, a, b, h in zip(means, low, high, half, strict=True)
    ]
