"""Bootstrap of a metric of a confusion table: resampling rows is resampling cells, whatever the number of rows.

Drawing n rows with replacement gives the cells a Multinomial(n, counts / n) distribution, exactly. So a replicate costs
O(cells), not O(n).

A percentile interval cannot see what was never seen: a table without errors resamples to itself, and a single right row would
pass any threshold. So each interval is widened to what Jeffreys' interval allows each class (variance recovery after Zou and
Donner, Statistics in Medicine 27, 2008): each class's error rate is moved to its own bound in turn, and the changes of the
metric are added in quadrature. With plenty of errors both agree and the bootstrap decides.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from measures import confusion
from measures.confusion import Floats, Margins, Metric
from measures.estimate import CONFIDENCE, Estimate, tail, unknown
from measures.proportions import jeffreys

REPLICATES = 2000
SEED = 20010917
_AT_ONCE = 4_000_000  # counts held at a time: about 32 MB


def resample(counts: NDArray[np.integer], replicates: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """[replicates, cells] counts drawn as the iid bootstrap of the rows behind `counts` [cells] would give them."""
    counts = np.asarray(counts, dtype=np.int64).ravel()
    n = int(counts.sum())
    return rng.multinomial(n, counts / n, size=replicates)


def replicate_margins(table: NDArray[np.integer], replicates: int, seed: int) -> Margins:
    """Margins [replicates, K] of the bootstrap replicates of `table` [K, K]; the same seed gives the same replicates."""
    table = confusion.checked(table)
    truth, predicted = np.nonzero(table)  # only cells that hold rows can be drawn
    counts, k = table[truth, predicted], table.shape[0]
    cells = np.arange(counts.size)
    ones = np.ones(counts.size)
    to_truth = sparse.csr_array((ones, (cells, truth)), shape=(counts.size, k))
    to_predicted = sparse.csr_array((ones, (cells, predicted)), shape=(counts.size, k))
    same = truth == predicted
    to_right = sparse.csr_array((ones[same], (cells[same], truth[same])), shape=(counts.size, k))
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // counts.size)
    parts: list[tuple[Floats, Floats, Floats]] = []
    for start in range(0, replicates, step):
        drawn = resample(counts, min(step, replicates - start), rng).astype(np.float64)
        parts.append((drawn @ to_right, drawn @ to_truth, drawn @ to_predicted))
    right, by_truth, by_predicted = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Margins(right, by_truth, by_predicted)


def _moved(table: NDArray[np.int64], *, confidence: float, better: bool, scale: float) -> Margins:
    """Margins [K, K]: row k is the table with the errors of class k moved to Jeffreys' bound, for the better or the worse.

    `scale` is the share of the rows that counts, where rows belong together.
    """
    k = table.shape[0]
    truth, predicted, right = table.sum(axis=1), table.sum(axis=0), np.diagonal(table)
    occurs = np.flatnonzero(truth + predicted)
    rights, predictions = np.tile(right.astype(float), (k, 1)), np.tile(predicted.astype(float), (k, 1))
    for c in np.flatnonzero(truth):
        n, hits = int(truth[c]), int(right[c])
        bound = jeffreys(hits * scale, n * scale, confidence=confidence)[1 if better else 0] * n
        wrong = table[c].astype(float)
        wrong[c] = 0.0
        if wrong.sum() == 0:  # no error of this class was seen: it would be taken for another class that occurs
            others = occurs[occurs != c]
            wrong[others if others.size else [(c + 1) % k]] = 1.0
            wrong[c] = 0.0
        share = wrong / wrong.sum() if wrong.sum() else wrong
        rights[c, c] = bound
        predictions[c] += (hits - bound) * share
        predictions[c, c] += bound - hits
    return Margins(rights, np.tile(truth.astype(float), (k, 1)), predictions)


def cells_bootstrap(
    table: NDArray[np.integer],
    metrics: Mapping[str, tuple[Metric, float, float]],
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    seed: int = SEED,
    drawn: Margins | None = None,
    scale: float = 1.0,
) -> dict[str, Estimate]:
    """Each metric of `table` [K, K] with its interval; `metrics` maps a name to (function, least, greatest possible value).

    Where rows belong together, `drawn` are replicates of the groups and `scale` the share of the rows that counts. A metric that
    is undefined on this table (NaN) is unknown: n = 0 and the whole range.
    """
    table = confusion.checked(table)
    out = tail(confidence)
    seen = confusion.margins_of(table)
    method = f"bootstrap of {'cells' if drawn is None else 'groups'}, {replicates:,} replicates"
    drawn = replicate_margins(table, replicates, seed) if drawn is None else drawn
    worse, better = (_moved(table, confidence=confidence, better=way, scale=scale) for way in (False, True))
    estimates: dict[str, Estimate] = {}
    for name, (metric, least, greatest) in metrics.items():
        value = float(metric(seen))
        if not np.isfinite(value):
            estimates[name] = unknown(least, greatest, confidence=confidence, method="undefined on a single class")
            continue
        low, high = np.nanquantile(metric(drawn), [out, 1.0 - out])
        down = np.nan_to_num(np.maximum(value - metric(worse), 0.0))
        up = np.nan_to_num(np.maximum(metric(better) - value, 0.0))
        low = max(least, min(float(low), value - float(np.sqrt((down**2).sum()))))
        high = min(greatest, max(float(high), value + float(np.sqrt((up**2).sum()))))
        estimates[name] = Estimate(value, min(low, value), max(high, value), int(table.sum()), confidence, method)
    return estimates
