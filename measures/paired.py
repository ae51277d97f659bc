"""Two models on the same rows: (truth, old, new) cells, and the difference of every metric of a confusion table.

Resampling rows is resampling cells, for both models at once, so what they share cancels. A percentile interval cannot see what
was never seen: models that never differ on ten rows resample to a difference of exactly 0, and would pass any margin. So the
interval is widened by the bootstrap of the table to which each class had one row added that only the old, and one that only the
new model has right: for accuracy with one class that is Bonett and Price's interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from measures.cells import REPLICATES, SEED, resample
from measures.confusion import Floats, Margins, Metric
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail, unknown

_AT_ONCE = 4_000_000  # counts held at a time: about 32 MB


@dataclass
class PairedCells:
    """Counts of (truth, old prediction, new prediction), those that occur; chunks add."""

    classes: int
    _keys: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    _counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def add(self, truth: NDArray[np.integer], old: NDArray[np.integer], new: NDArray[np.integer]) -> None:
        """Add rows; each vector [n] holds class numbers 0..K-1."""
        for name, numbers in (("target", truth), ("old prediction", old), ("new prediction", new)):
            if numbers.shape != truth.shape:
                raise NotMeasurable("Each row needs its target and the predictions of both models.")
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < self.classes):
                raise NotMeasurable(f"A {name} lies outside the {self.classes} classes; they are numbered from 0.")
        keys = (truth.astype(np.int64) * self.classes + old) * self.classes + new
        own, counts = np.unique(keys, return_counts=True)
        self._keys, place = np.unique(np.concatenate([self._keys, own]), return_inverse=True)
        both = np.concatenate([self._counts, counts])
        self._counts = np.bincount(place, weights=both, minlength=self._keys.size).astype(np.int64)

    @property
    def n(self) -> int:
        return int(self._counts.sum())

    @property
    def cells(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """(truth, old, new, count), each [cells]."""
        rest, new = np.divmod(self._keys, self.classes)
        truth, old = np.divmod(rest, self.classes)
        return truth, old, new, self._counts

    @property
    def gained(self) -> int:
        """Rows that only the new model has right."""
        truth, old, new, counts = self.cells
        return int(counts[(new == truth) & (old != truth)].sum())

    @property
    def lost(self) -> int:
        """Rows that only the old model has right."""
        truth, old, new, counts = self.cells
        return int(counts[(old == truth) & (new != truth)].sum())

    @property
    def changed(self) -> int:
        """Rows that the models predict differently."""
        _truth, old, new, counts = self.cells
        return int(counts[old != new].sum())


def metric_differences(
    paired: PairedCells,
    metrics: Mapping[str, tuple[Metric, float, float]],
    *,
    confidence: float = CONFIDENCE,
    replicates: int = REPLICATES,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """new - old of each metric with its interval; `metrics` maps a name to (function, least, greatest value of one model).

    A metric that is undefined for one of the models is unknown: n = 0 and the whole range.
    """
    if paired.n == 0:
        raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
    out, k = tail(confidence), paired.classes
    seen = _both(paired.cells, k)
    drawn = _replicates(paired.cells, k, replicates, seed)
    padded = _padded(paired.cells, k)
    middle, around = _both(padded, k), _replicates(padded, k, replicates, seed)
    method = f"bootstrap of paired cells, {replicates:,} replicates"
    estimates: dict[str, Estimate] = {}
    for name, (metric, least, greatest) in metrics.items():
        span = greatest - least
        value = float(_difference(metric, seen))
        if not np.isfinite(value):
            estimates[name] = unknown(-span, span, confidence=confidence, method="undefined on a single class")
            continue
        ends = [np.nanquantile(_difference(metric, drawn), [out, 1.0 - out])]
        moved = _difference(metric, around) - np.nan_to_num(_difference(metric, middle)) + value
        ends.append(np.nanquantile(moved, [out, 1.0 - out]))
        low, high = max(-span, min(float(a) for a, _b in ends)), min(span, max(float(b) for _a, b in ends))
        estimates[name] = Estimate(value, min(low, value), max(high, value), paired.n, confidence, method)
    return estimates


Cells = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _difference(metric: Metric, both: tuple[Margins, Margins]) -> Floats:
    old, new = both
    return metric(new) - metric(old)


def _both(cells: Cells, k: int) -> tuple[Margins, Margins]:
    truth, old, new, counts = cells

    def rows_of(column: NDArray[np.int64], kept: NDArray[np.int64]) -> Floats:
        return np.bincount(column, weights=kept, minlength=k).astype(np.float64)

    def of(predicted: NDArray[np.int64]) -> Margins:
        right = rows_of(truth, counts * (truth == predicted))
        return Margins(right, rows_of(truth, counts), rows_of(predicted, counts))

    return of(old), of(new)


def _replicates(cells: Cells, k: int, replicates: int, seed: int) -> tuple[Margins, Margins]:
    truth, old, new, counts = cells
    place = np.arange(counts.size)

    def to(column: NDArray[np.int64], weights: Floats) -> sparse.csr_array:
        return sparse.csr_array((weights, (place, column)), shape=(counts.size, k))

    ones = np.ones(counts.size)
    onto = [
        to(truth, ones),
        to(old, ones),
        to(new, ones),
        to(truth, (truth == old).astype(float)),
        to(truth, (truth == new).astype(float)),
    ]
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // counts.size)
    parts = []
    for start in range(0, replicates, step):
        drawn = resample(counts, min(step, replicates - start), rng).astype(np.float64)
        parts.append([drawn @ one for one in onto])
    rows, olds, news, right_old, right_new = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Margins(right_old, rows, olds), Margins(right_new, rows, news)


def _padded(cells: Cells, k: int) -> Cells:
    """The cells with one row more for each class that only the old model has right, and one that only the new one has."""
    truth, old, new, counts = cells
    present = np.unique(truth)
    occurs = np.unique(np.concatenate([truth, old, new]))
    # The wrong answer of an added row: another class that occurs, the next one round.
    others = occurs if occurs.size > 1 else np.array([occurs[0], (occurs[0] + 1) % k])
    following = others[(np.searchsorted(others, present) + 1) % others.size]
    return (
        np.concatenate([truth, present, present]),
        np.concatenate([old, present, following]),
        np.concatenate([new, following, present]),
        np.concatenate([counts, np.ones(2 * present.size, dtype=np.int64)]),
    )
