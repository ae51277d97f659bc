"""How far predicted numbers lie from the true ones: sums for the means, magnitudes for the percentiles. Memory is constant."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from measures.blocks import Blocks, units_of
from measures.cells import REPLICATES, SEED
from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable
from measures.magnitudes import Magnitudes

Statistic = Callable[[Floats, Floats], Floats]
AWAY_FROM_ZERO = 0.01  # of the mean |y|: below, a relative error says nothing
_COLUMNS = ("e", "ae", "ee", "y", "yy", "p", "pp", "yp", "ape")


@dataclass
class Errors:
    """Sums over the rows of targets y and predictions p, and the magnitudes |p - y|.

    Sums of squares are formed around the first chunk's mean, so that numbers far from 0 lose no digits.
    """

    blocks: Blocks = field(default_factory=lambda: Blocks(len(_COLUMNS)))
    magnitudes: Magnitudes = field(default_factory=Magnitudes)
    centre: float | None = None
    _smallest: float = math.inf
    _absolute: float = 0.0

    def add(self, targets: Floats, predicted: Floats, *, first_row: int = 0, groups: NDArray[np.integer] | None = None) -> None:
        """Add rows: targets [n] and predictions [n], numbered from `first_row`, or of `groups` [n]."""
        if targets.shape != predicted.shape or targets.ndim != 1:
            raise NotMeasurable(f"There are {targets.size:,} targets but {predicted.size:,} predictions; each row needs both.")
        if not targets.size:
            return
        if self.centre is None:
            self.centre = float(targets.mean())
        error, y, p = predicted - targets, targets - self.centre, predicted - self.centre
        size = np.abs(targets)
        self._smallest, self._absolute = min(self._smallest, float(size.min())), self._absolute + float(size.sum())
        ape = np.divide(np.abs(error), size, out=np.zeros(size.size), where=size > 0)
        values = np.column_stack([error, np.abs(error), error**2, y, y * y, p, p * p, y * p, ape])
        if not np.isfinite(values).all():
            raise NotMeasurable("The numbers are too large for their squares to be summed; scale targets and predictions down.")
        self.blocks.add(values, first_row=first_row, groups=groups)
        self.magnitudes.add(np.abs(error))

    @property
    def n(self) -> int:
        return self.blocks.n

    def measured(
        self, *, grouped: bool = False, confidence: float = CONFIDENCE, replicates: int = REPLICATES, seed: int = SEED
    ) -> dict[str, Estimate]:
        """rmse, mae, bias (predicted minus true), r2, pearson, median_ae, p95_ae, and mape where no target is near 0.

        The first five by bootstrap of blocks of rows or groups; the percentiles by order statistics, counting groups instead of
        rows where rows belong together. R2 and Pearson's correlation are unknown (n = 0) where they are undefined.
        """
        everything: dict[str, tuple[Statistic, float, float]] = {
            "rmse": (_rmse, 0.0, math.inf),
            "mae": (_mean_of("ae"), 0.0, math.inf),
            "bias": (_mean_of("e"), -math.inf, math.inf),
            "r2": (_r2, -math.inf, 1.0),
            "pearson": (_pearson, -1.0, 1.0),
        }
        if self._smallest >= AWAY_FROM_ZERO * self._absolute / max(1, self.n) and self._smallest > 0:
            everything["mape"] = (_mean_of("ape"), 0.0, math.inf)
        found = {}
        for name, (statistic, least, greatest) in everything.items():
            if not np.isfinite(statistic(self.blocks.sums.sum(axis=0), np.asarray(float(self.n)))):
                undefined = None if math.isinf(least) else least
                found[name] = Estimate(0.0, undefined, greatest, 0, confidence, "undefined where nothing varies")
                continue
            found[name] = self.blocks.bootstrap(
                statistic, least=least, greatest=greatest, confidence=confidence, replicates=replicates, seed=seed
            )
        units = units_of(self.blocks.rows) if grouped else self.n
        found["median_ae"] = self.magnitudes.percentile(0.5, units=units, confidence=confidence)
        found["p95_ae"] = self.magnitudes.percentile(0.95, units=units, confidence=confidence)
        return found


def _mean_of(name: str) -> Statistic:
    column = _COLUMNS.index(name)

    def mean(sums: Floats, rows: Floats) -> Floats:
        return sums[..., column] / rows

    return mean


def _column(sums: Floats, name: str) -> Floats:
    return sums[..., _COLUMNS.index(name)]


def _rmse(sums: Floats, rows: Floats) -> Floats:
    return np.sqrt(np.maximum(_column(sums, "ee") / rows, 0.0))


def _spread(sums: Floats, rows: Floats, name: str) -> Floats:
    """Sum of squares around the mean; 0 where it is lost in rounding."""
    squares, mean = _column(sums, name * 2), _column(sums, name) / rows
    around = squares - rows * mean**2
    return np.where(around > 1e-12 * np.maximum(squares, np.finfo(np.float64).tiny), around, 0.0)


def _r2(sums: Floats, rows: Floats) -> Floats:
    """1 - sum of squared errors / sum of squares around the mean target; NaN where the targets do not vary."""
    total = _spread(sums, rows, "y")
    return 1.0 - np.divide(_column(sums, "ee"), total, out=np.full(np.shape(total), np.nan), where=total > 0)


def _pearson(sums: Floats, rows: Floats) -> Floats:
    """Pearson's correlation; NaN where one side does not vary."""
    together = _column(sums, "yp") - _column(sums, "y") * _column(sums, "p") / rows
    apart = np.sqrt(_spread(sums, rows, "y") * _spread(sums, rows, "p"))
    r = np.divide(together, apart, out=np.full(np.shape(apart), np.nan), where=apart > 0)
    return np.clip(r, -1.0, 1.0)
