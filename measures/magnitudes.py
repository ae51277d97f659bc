"""Percentiles of sizes (absolute errors) in constant memory: exact up to 50,000 rows, then to 0.05 % from a histogram.

The histogram counts by the leading bits of the number as float32 (sign, exponent and 10 bits of the mantissa), which rise with
the number: relative bins, finest at 0, that merge by addition.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr

from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail

KEPT = 50_000  # values held as they are
_SHIFT = 13  # bits of the mantissa that are dropped
_BINS = 1 << (31 - _SHIFT)


@dataclass
class Magnitudes:
    """Values of at least 0."""

    kept: list[Floats] = field(default_factory=list)
    counts: NDArray[np.int64] | None = None
    n: int = 0

    def add(self, values: Floats) -> None:
        """Add values [n], finite and at least 0."""
        values = np.asarray(values, dtype=np.float64)
        if values.size and not (np.isfinite(values).all() and values.min() >= 0.0):
            raise NotMeasurable("A size is a finite number of at least 0.")
        self.n += values.size
        self.kept.append(values)
        if self.counts is not None or self.n > KEPT:
            counts = np.zeros(_BINS, dtype=np.int64) if self.counts is None else self.counts
            for each in self.kept:
                counts += np.bincount(_bins(each), minlength=_BINS)
            self.counts, self.kept = counts, []

    def percentile(self, q: float, *, units: int | None = None, confidence: float = CONFIDENCE) -> Estimate:
        """The q-quantile with an interval between order statistics, whose ranks follow Binomial(units, q); `units` is how many
        of the values are independent, all of them unless given. `high` is None where even the largest does not bound it."""
        if self.n == 0:
            raise NotMeasurable("There is no value to take a percentile of.")
        units = self.n if units is None else max(1, min(units, self.n))
        out, scale = tail(confidence), self.n / units
        below = bdtr(np.arange(units + 1, dtype=np.float64), units, q)
        lower = int(np.searchsorted(below, out))
        upper = int(np.searchsorted(below, 1.0 - out)) + 1
        value = self._at(max(math.ceil(self.n * q - 1e-9), 1))
        low = self._at(max(1, math.floor(lower * scale))) if lower >= 1 else 0.0
        high = self._at(min(self.n, math.ceil(upper * scale))) if upper <= units else None
        method = "order statistics" if self.counts is None else "order statistics, to 0.05 %"
        return Estimate(value, min(low, value), None if high is None else max(high, value), self.n, confidence, method)

    def _at(self, rank: int) -> float:
        """The value of that rank, from 1."""
        if self.counts is None:
            return float(np.sort(np.concatenate(self.kept))[rank - 1])
        at = int(np.searchsorted(np.cumsum(self.counts), rank))
        edges = (np.array([at, at + 1], dtype=np.uint32) << np.uint32(_SHIFT)).view(np.float32)
        return 0.0 if at == 0 else float(edges.astype(np.float64).mean())


def _bins(values: Floats) -> NDArray[np.int64]:
    small = np.minimum(values, float(np.finfo(np.float32).max)).astype(np.float32)
    return (small.view(np.uint32) >> np.uint32(_SHIFT)).astype(np.int64)
