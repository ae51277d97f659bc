"""What predictions are worth to the business: the mean of a value matrix V[truth, predicted] over the rows, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from measures.cells import REPLICATES, SEED, resample
from measures.confusion import Floats, checked
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.proportions import jeffreys


def checked_values(values: Sequence[Sequence[float]], classes: int) -> Floats:
    """The matrix [K, K] as float64, if it holds one finite number for each pair of classes."""
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        matrix = np.zeros(0)
    if matrix.shape != (classes, classes) or not np.isfinite(matrix).all():
        raise NotMeasurable(
            f"A value matrix has {classes} rows (the true class) of {classes} finite numbers (the value of each prediction)."
        )
    return matrix


def expected_value(
    table: NDArray[np.integer],
    values: Sequence[Sequence[float]],
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    seed: int = SEED,
    scale: float = 1.0,
) -> Estimate:
    """sum(table * V) / n for counts [K, K], in the unit of V.

    Rows are drawn by drawing the cells, exactly. What no row showed is allowed for: each class's rate of being right is moved to
    Jeffreys' bound, its other rows taken as they were seen, or at their worst (for the upper bound their best) where none was
    seen. `scale` is the share of the rows that counts, where rows belong together.
    """
    table = checked(table)
    v = checked_values(values, table.shape[0])
    n = int(table.sum())
    value = float((table * v).sum() / n)
    drawn = resample(table, replicates, np.random.default_rng(seed)) @ v.ravel() / n
    half = float(stdtrit(max(1.0, n * scale - 1), 1.0 - tail(confidence)) * np.std(drawn, ddof=1)) / np.sqrt(scale)
    low, high = np.quantile(drawn, [tail(confidence), 1.0 - tail(confidence)])
    down, up = (_moved(table, v, confidence=confidence, better=better, scale=scale) for better in (False, True))
    low = max(float(v.min()), min(float(low), value - half, value - down))
    high = min(float(v.max()), max(float(high), value + half, value + up))
    method = f"bootstrap of cells, {replicates:,} replicates"
    return Estimate(value, min(low, value), max(high, value), n, confidence, method)


def _moved(table: NDArray[np.int64], v: Floats, *, confidence: float, better: bool, scale: float) -> float:
    """How far the value moves when each class's right rows are moved to their bound in turn, added in quadrature."""
    n, moves = int(table.sum()), []
    for c in np.flatnonzero(table.sum(axis=1)):
        rows, right = int(table[c].sum()), int(table[c, c])
        others = np.arange(table.shape[0]) != c
        wrong = table[c, others]
        elsewhere = float(wrong @ v[c, others] / wrong.sum()) if wrong.sum() else None
        for bound in jeffreys(right * scale, rows * scale, confidence=confidence):
            where = elsewhere if elsewhere is not None else float(v[c, others].max() if better else v[c, others].min())
            change = (bound * rows - right) * (v[c, c] - where) / n
            moves.append(max(0.0, change if better else -change))
    return float(np.sqrt(np.square(moves).sum()))
