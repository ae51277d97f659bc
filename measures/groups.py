"""Probabilities of an event and whether it happened, gathered by the probability: what calibration is measured from.

Rows with the same probability stay together. Up to `limit` rows each probability is kept as it is, and everything measured from
it is exact; beyond, probabilities fall into 4,096 bins of their log-odds (saturated ones keep apart there, as they would not in
bins of the probability), so that memory does not grow with rows. Bins keep sums, so the Brier score stays exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from measures.confusion import Floats
from measures.estimate import NotMeasurable

LIMIT = 50_000  # rows that are kept one by one
BINS = 4096
_REACH = 20.0  # log-odds; a probability beyond 1 - 2e-9 is counted with those at it
_SUMS = 5  # rows, events, sum of p, of p², of p over the rows with the event


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows gathered by probability, in ascending order; all [m]."""

    rows: Floats
    events: Floats
    p: Floats  # the mean probability of the group
    squares: Floats  # sum of squared probabilities
    products: Floats  # sum of the probabilities of the rows with the event

    @property
    def n(self) -> int:
        return round(float(self.rows.sum()))

    @property
    def brier(self) -> float:
        """Mean squared distance of the probability to what happened (0 or 1): 0 to 1."""
        return float((self.squares - 2.0 * self.products + self.events).sum() / self.rows.sum())


@dataclass
class Gathered:
    """Takes rows chunk by chunk; chunks and shards give the same groups whatever their order."""

    limit: int = LIMIT
    _kept: list[tuple[Floats, Floats]] | None = field(default_factory=list)
    _held: int = 0
    _bins: Floats = field(default_factory=lambda: np.zeros((_SUMS, BINS)))

    def add(self, probabilities: NDArray[np.floating], happened: NDArray[np.generic]) -> None:
        """Add probabilities [n] of an event and whether it happened [n] (0 or 1)."""
        p, y = np.array(probabilities, dtype=np.float64), np.array(happened, dtype=np.float64)  # copies: chunks are reused
        if p.ndim != 1 or p.shape != y.shape:
            raise NotMeasurable(f"Each of the {p.size:,} probabilities needs one outcome; there are {y.size:,}.")
        if p.size and not (np.isfinite(p).all() and p.min() >= 0.0 and p.max() <= 1.0):
            raise NotMeasurable("A probability is not a number between 0 and 1, so its calibration cannot be measured.")
        if self._kept is not None and self._held + p.size <= self.limit:
            self._kept.append((p, y))
            self._held += p.size
            return
        for earlier in self._kept or []:
            self._fold(*earlier)
        self._kept = None
        self._fold(p, y)

    def _fold(self, p: Floats, y: Floats) -> None:
        self._bins += _binned(p, y)

    @property
    def exact(self) -> bool:
        """Whether every probability is still kept as it came."""
        return self._kept is not None

    def groups(self, *, coarse: bool = False) -> Groups:
        """The rows so far by their probability; `coarse` always through the bins, for what is drawn a thousand times."""
        if self._kept is None:
            return _of_bins(self._bins)
        p = np.concatenate([one for one, _y in self._kept]) if self._kept else np.zeros(0)
        y = np.concatenate([one for _p, one in self._kept]) if self._kept else np.zeros(0)
        if coarse:
            return _of_bins(_binned(p, y))
        own, place = np.unique(p, return_inverse=True)
        rows, events = np.bincount(place).astype(np.float64), np.bincount(place, weights=y).astype(np.float64)
        return _checked(Groups(rows, events, own, rows * own * own, events * own))


def _binned(p: Floats, y: Floats) -> Floats:
    odds = np.clip(logit(np.clip(p, 1e-300, 1.0 - 1e-16)), -_REACH, _REACH)
    place = np.minimum(((odds + _REACH) * (BINS / (2 * _REACH))).astype(np.int64), BINS - 1)
    return np.stack([np.bincount(place, weights=weights, minlength=BINS) for weights in (None, y, p, p * p, p * y)])


def _of_bins(bins: Floats) -> Groups:
    rows, events, total, squares, products = bins[:, bins[0] > 0]
    return _checked(Groups(rows, events, total / rows, squares, products))


def _checked(groups: Groups) -> Groups:
    if not groups.rows.size:
        raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
    return groups
