"""Proper scores of probabilities, row by row; their means come from `measures.blocks`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measures.confusion import Floats
from measures.estimate import NotMeasurable

SMALLEST = float(np.finfo(np.float64).eps)  # probabilities are held this far from 0, as scikit-learn does
WORST_LOG_LOSS = -float(np.log(SMALLEST))  # about 36.04 nats
WORST_BRIER = 2.0


def checked_probabilities(probabilities: NDArray[np.floating]) -> Floats:
    """[n, K] as float64, if every row is a distribution: finite, at least 0, summing to 1 within 1e-4."""
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or p.shape[1] == 0:
        raise NotMeasurable(f"Probabilities have the shape rows by classes, not {p.shape}.")
    if not np.isfinite(p).all():
        raise NotMeasurable(
            f"The model answered {int((~np.isfinite(p).all(axis=1)).sum()):,} of {len(p):,} rows with values that are not "
            "finite numbers."
        )
    if len(p) and (p.min() < 0.0 or np.abs(p.sum(axis=1) - 1.0).max() > 1e-4):
        raise NotMeasurable("The probabilities of a row are not a distribution: each is at least 0 and together they are 1.")
    return p


def log_losses(probabilities: Floats, targets: NDArray[np.integer]) -> Floats:
    """[n]: minus the natural logarithm of the probability given to the target, in nats."""
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)[:, 0]
    return -np.log(np.clip(own, SMALLEST, 1.0))


def brier_scores(probabilities: Floats, targets: NDArray[np.integer]) -> Floats:
    """[n]: squared distance of the probabilities to the one-hot target, 0 (sure and right) to 2 (sure and wrong); Brier 1950."""
    own = np.take_along_axis(probabilities, targets[:, None], axis=1)[:, 0]
    return (probabilities**2).sum(axis=1) - 2.0 * own + 1.0
