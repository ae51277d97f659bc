"""Temperature: by what the logits would have to be divided for the probabilities to fit best (Guo et al. 2017).

Above 1 the model is too sure of itself, below 1 not sure enough. It is reported, never applied: fitted and judged on the same
rows it would flatter, and a checkpoint is measured as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, ndtri

from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.scores import SMALLEST

REACH = np.log(50.0)  # the temperature is sought between 1/50 and 50
_PERFECT = 1e-6  # nats; where no row is in doubt every low temperature fits equally well


def temperature(probabilities: Floats, targets: NDArray[np.integer], *, confidence: float = CONFIDENCE) -> Estimate:
    """The temperature with the least log-loss on probabilities [n, K] and targets [n], with the sandwich interval of its log.

    Where the best one lies beyond 1/50 or 50, or no row is in doubt, nothing bounds it.
    """
    n = len(targets)
    if n == 0:
        raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
    logs = np.log(np.clip(probabilities, SMALLEST, 1.0))
    own = np.take_along_axis(logs, targets[:, None], axis=1)[:, 0]

    def loss(log_temperature: float) -> float:
        scaled = logs * np.exp(-log_temperature)
        return float(-np.take_along_axis(log_softmax(scaled, axis=1), targets[:, None], axis=1).mean())

    best = float(minimize_scalar(loss, bounds=(-REACH, REACH), method="bounded", options={"xatol": 1e-6}).x)
    value, method = float(np.exp(best)), "sandwich, of the logarithm"
    if abs(best) > REACH - 1e-3:
        return Estimate(value, None, None, n, confidence, "at the edge of 1/50 to 50: no bound")
    weights = np.exp(log_softmax(logs / value, axis=1))
    mean = (weights * logs).sum(axis=1)
    slopes = (own - mean) / value  # of each row's loss by the log of the temperature
    curvature = float((((weights * logs**2).sum(axis=1) - mean**2) / value**2 + slopes).mean())
    spread = float((slopes**2).sum())
    if curvature <= 0.0 or n < 2 or loss(best) < _PERFECT:
        return Estimate(value, None, None, n, confidence, method)
    half = float(-ndtri(tail(confidence))) * np.sqrt(spread) / (n * curvature)
    low, high = float(np.exp(best - half)), float(np.exp(min(best + half, 700.0)))
    return Estimate(value, min(low, value), max(high, value), n, confidence, method)
