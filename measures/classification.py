"""Everything that a confusion table says about a multi-class model, each with the interval that fits it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from measures import confusion
from measures.cells import REPLICATES, SEED, cells_bootstrap
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, unknown
from measures.proportions import jeffreys, proportion

OVERALL = {
    "balanced_accuracy": (confusion.balanced_accuracy, 0.0, 1.0),
    "macro_f1": (confusion.macro_f1, 0.0, 1.0),
    "weighted_f1": (confusion.weighted_f1, 0.0, 1.0),
    "mcc": (confusion.mcc, -1.0, 1.0),
    "kappa": (confusion.kappa, -1.0, 1.0),
}


def accuracy(table: NDArray[np.integer], *, confidence: float = CONFIDENCE) -> Estimate:
    """Accuracy of a table [K, K] with Jeffreys' interval."""
    table = confusion.checked(table)
    return proportion(int(np.trace(table)), int(table.sum()), confidence=confidence)


def overall(
    table: NDArray[np.integer], *, confidence: float = CONFIDENCE, replicates: int = REPLICATES, seed: int = SEED
) -> dict[str, Estimate]:
    """Accuracy (Jeffreys) and balanced accuracy, macro and weighted F1, MCC and kappa (cells bootstrap) of a table [K, K]."""
    return {
        "accuracy": accuracy(table, confidence=confidence),
        **cells_bootstrap(table, OVERALL, confidence=confidence, replicates=replicates, seed=seed),
    }


def f1(right: int, truth: int, predicted: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """F1 of one class from its right rows, its rows and the rows predicted as it.

    F1 = 2J / (1 + J) rises with J = right / (rows of the class or predicted as it), which is a plain proportion. So its
    interval is Jeffreys' interval of J, carried over; it stays honest where no error was seen.
    """
    either = truth + predicted - right
    method = "jeffreys, carried over from the Jaccard share"
    if either == 0:
        return unknown(0.0, 1.0, confidence=confidence, method=method)
    low, high = (2.0 * j / (1.0 + j) for j in jeffreys(right, either, confidence=confidence))
    value = 2.0 * right / (truth + predicted)
    return Estimate(value, min(low, value), max(high, value), either, confidence, method)


def per_class(table: NDArray[np.integer], *, confidence: float = CONFIDENCE) -> dict[str, list[Estimate]]:
    """`precision`, `recall` and `f1` of each of the K classes of a table [K, K].

    Recall counts the rows of the class, precision the rows predicted as it, F1 the rows that are either. A class without such
    rows is unknown (n = 0), never 0 % and never 100 %.
    """
    table = confusion.checked(table)
    triples = [(int(r), int(t), int(p)) for r, t, p in zip(np.diagonal(table), table.sum(axis=1), table.sum(axis=0), strict=True)]
    return {
        "precision": [proportion(r, p, confidence=confidence) for r, _, p in triples],
        "recall": [proportion(r, t, confidence=confidence) for r, t, _ in triples],
        "f1": [f1(r, t, p, confidence=confidence) for r, t, p in triples],
    }


def in_top_k(scores: NDArray[np.floating], targets: NDArray[np.integer], k: int) -> NDArray[np.bool_]:
    """[n]: whether each row's target is among its k highest scores [n, K]; on equal scores the lower class number wins.

    So k = 1 says exactly which rows argmax gets right.
    """
    if not 1 <= k <= scores.shape[1]:
        raise NotMeasurable(f"The best {k} of {scores.shape[1]} classes cannot be taken; choose 1 to {scores.shape[1]}.")
    own = np.take_along_axis(scores, targets[:, None], axis=1)
    earlier = np.arange(scores.shape[1])[None, :] < targets[:, None]
    ahead = (scores > own) | ((scores == own) & earlier)
    found: NDArray[np.bool_] = ahead.sum(axis=1) < k
    return found


def top_k_hits(scores: NDArray[np.floating], targets: NDArray[np.integer], k: int) -> int:
    """How many of the rows have their target among the k highest scores [n, K]."""
    return int(in_top_k(scores, targets, k).sum())
