"""How well scores put the rows of a query in order. Each query gives one value; queries, not rows, are what intervals count.

NDCG discounts gains by log2(1 + rank) (Järvelin and Kekäläinen, ACM TOIS 20, 2002), its gain is the relevance itself, and equal
scores share the mean gain of their ranks (McSherry and Najork, ECIR 2008), as in scikit-learn. Reciprocal rank and average
precision count a row of relevance above 0 as relevant, and give equal scores the worst of their ranks.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, unknown
from measures.shares import mean_share


@dataclass(frozen=True, slots=True)
class Ranked:
    """For each query that has a relevant row: NDCG at each cut [queries] (0: the whole list), reciprocal rank, average precision.

    `without` counts the queries without a relevant row, which say nothing about an order.
    """

    ndcg: dict[int, Floats]
    reciprocal_rank: Floats
    average_precision: Floats
    without: int

    def measured(self, *, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """`ndcg@k` for each cut (`ndcg` for the whole), `mrr` and `map`, each the mean over queries with its interval."""
        named = {f"ndcg@{k}" if k else "ndcg": values for k, values in self.ndcg.items()}
        named |= {"mrr": self.reciprocal_rank, "map": self.average_precision}
        if not self.reciprocal_rank.size:
            return {name: unknown(0.0, 1.0, confidence=confidence, method="no query has a relevant row") for name in named}
        return {name: mean_share(values, confidence=confidence) for name, values in named.items()}


def ranked(
    scores: NDArray[np.floating], relevance: NDArray[np.floating], queries: NDArray[np.integer], *, cuts: tuple[int, ...] = (10,)
) -> Ranked:
    """From scores [n], relevance of at least 0 [n] and the query of each row [n], in any order."""
    if not scores.shape == relevance.shape == queries.shape or scores.ndim != 1:
        raise NotMeasurable("Each row of a ranking needs a score, a relevance and a query.")
    if any(k < 1 for k in cuts):
        raise NotMeasurable("A ranking is cut after at least one row.")
    order = np.lexsort((-scores, queries))
    s, r, q = (np.asarray(values)[order] for values in (scores, relevance, queries))
    starts = np.append(np.flatnonzero(np.diff(q, prepend=q[0] - 1 if q.size else 0)), q.size)
    ndcg: dict[int, list[float]] = {k: [] for k in (*sorted(set(cuts)), 0)}
    reciprocal, precision, without = [], [], 0
    for first, last in itertools.pairwise(starts):
        own, gains = s[first:last], r[first:last].astype(np.float64)
        relevant = gains > 0
        if not relevant.any():
            without += 1
            continue
        new = np.append(True, np.diff(own) != 0)
        tie = np.cumsum(new) - 1
        ends = np.append(np.flatnonzero(new)[1:], own.size)  # the worst rank of each tie
        shared = (np.bincount(tie, weights=gains) / np.bincount(tie))[tie]
        ideal = np.sort(gains)[::-1]
        discount = 1.0 / np.log2(np.arange(2.0, own.size + 2.0))
        for k, values in ndcg.items():
            cut = slice(0, k or None)
            values.append(float((shared[cut] @ discount[cut]) / (ideal[cut] @ discount[cut])))
        worst = ends[tie]
        reciprocal.append(1.0 / float(worst[relevant][0]))
        hits = np.cumsum(relevant)[worst - 1]
        precision.append(float((hits[relevant] / worst[relevant]).mean()))
    return Ranked({k: np.array(v) for k, v in ndcg.items()}, np.array(reciprocal), np.array(precision), without)
