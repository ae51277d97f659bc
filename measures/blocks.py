"""Bootstrap of metrics that are functions of sums (log-loss, Brier score): rows fall into blocks, blocks are resampled.

Up to `blocks` rows each row has a block of its own, and the result is exactly the bootstrap; beyond, rows share blocks by a
hash of their number, and 2,048 blocks cover 0.942 for a nominal 0.95. Blocks add, so shards merge. Rows keyed by a group
(a user, a patient) stay together: that is the cluster bootstrap, without which 500 users of 40 rows cover 0.57.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from measures.cells import REPLICATES, SEED
from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail

BLOCKS = 2048
FEWEST_DEFINED = 0.99  # of the replicates; where fewer are, there are two or three rows, and nothing bounds the value


def splitmix64(numbers: NDArray[np.integer]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014) of each number: a fixed, well mixed hash."""
    with np.errstate(over="ignore"):
        z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def keys_of(groups: NDArray[np.integer], *, first_row: int) -> NDArray[np.int64]:
    """The groups [n] as keys of blocks; a row whose group is missing (below 0) is a group of its own."""
    groups = np.asarray(groups, dtype=np.int64)
    return np.where(groups < 0, -2 - np.arange(first_row, first_row + len(groups), dtype=np.int64), groups)


def block_numbers(n: int, blocks: int, *, first_row: int = 0, groups: NDArray[np.integer] | None = None) -> NDArray[np.int64]:
    """The block [n] of each row numbered from `first_row`, or of the group that it belongs to."""
    if groups is not None:
        return (splitmix64(np.asarray(groups)) % np.uint64(blocks)).astype(np.int64)
    number = np.arange(first_row, first_row + n, dtype=np.int64)
    if first_row + n <= blocks:
        return number
    hashed = (splitmix64(number) % np.uint64(blocks)).astype(np.int64)
    return np.where(number < blocks, number, hashed)


def units_of(rows: NDArray[np.integer]) -> int:
    """About how many groups lie behind blocks that hold so many rows each, by linear counting; at most as many as rows."""
    filled, blocks = int(np.count_nonzero(rows)), rows.size
    empty = max(1, blocks - filled)
    return int(min(int(rows.sum()), np.ceil(-blocks * np.log(empty / blocks))))


@dataclass
class Blocks:
    """Sums of `columns` values per block, [blocks, columns], and the rows in each block, [blocks]."""

    columns: int
    blocks: int = BLOCKS
    sums: Floats = field(init=False)
    rows: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros((self.blocks, self.columns))
        self.rows = np.zeros(self.blocks, dtype=np.int64)

    def add(self, values: Floats, *, first_row: int = 0, groups: NDArray[np.integer] | None = None) -> None:
        """Add rows [n, columns] that are numbered from `first_row`, or that belong to `groups` [n] (whole numbers)."""
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != self.columns:
            raise NotMeasurable(f"Rows of {self.columns} values are expected, not of shape {values.shape}.")
        if not np.isfinite(values).all():
            raise NotMeasurable("A row has a value that is not a finite number, so no sum over the rows can be formed.")
        block = block_numbers(len(values), self.blocks, first_row=first_row, groups=groups)
        for column in range(self.columns):
            self.sums[:, column] += np.bincount(block, weights=values[:, column], minlength=self.blocks)
        self.rows += np.bincount(block, minlength=self.blocks)

    def merge(self, other: Blocks) -> None:
        """Add another shard's sums."""
        if (other.blocks, other.columns) != (self.blocks, self.columns):
            raise NotMeasurable("Only blocks of the same shape can be merged.")
        self.sums += other.sums
        self.rows += other.rows

    @property
    def n(self) -> int:
        return int(self.rows.sum())

    def bootstrap(
        self,
        statistic: Callable[[Floats, Floats], Floats],
        *,
        least: float,
        greatest: float,
        confidence: float = CONFIDENCE,
        replicates: int = REPLICATES,
        seed: int = SEED,
    ) -> Estimate:
        """`statistic(sums [..., columns], rows [...])` with its interval, kept within [least, greatest]."""
        filled = np.flatnonzero(self.rows)
        if filled.size == 0:
            raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
        out = tail(confidence)
        value = float(statistic(self.sums.sum(axis=0), np.asarray(self.n, dtype=np.float64)))
        method = f"bootstrap of {filled.size:,} blocks, {replicates:,} replicates"
        kept: dict[str, Any] = {"least": least, "greatest": greatest, "n": self.n, "confidence": confidence}
        if filled.size == 1:  # one block resamples to itself: nothing is known about the spread
            return _within(value, -math.inf, math.inf, **kept, method="one block: no bound")
        weights = _weights(filled.size, replicates, seed)
        drawn = statistic(weights @ self.sums[filled], (weights @ self.rows[filled]).astype(np.float64))
        drawn = drawn[np.isfinite(drawn)]  # a draw of one row alone has no correlation
        if drawn.size < FEWEST_DEFINED * replicates:
            return _within(value, -math.inf, math.inf, **kept, method="too few rows: no bound")
        low, high = np.quantile(drawn, [out, 1.0 - out])
        # With few blocks the percentile interval is too short; Student's factor tells by how much.
        half = float(stdtrit(filled.size - 1, 1.0 - out) * np.std(drawn, ddof=1))
        return _within(value, min(float(low), value - half), max(float(high), value + half), **kept, method=method)


@lru_cache(maxsize=1)  # several statistics of the same rows are drawn alike, and drawing costs more than all else
def _weights(blocks: int, replicates: int, seed: int) -> Floats:
    """[replicates, blocks]: how often each block is drawn."""
    drawn = np.random.default_rng(seed).multinomial(blocks, np.full(blocks, 1 / blocks), size=replicates)
    weights = drawn.astype(np.float64)
    weights.setflags(write=False)
    return weights


def _within(
    value: float, low: float, high: float, *, least: float, greatest: float, n: int, confidence: float, method: str
) -> Estimate:
    """The interval kept within [least, greatest]; an end that nothing bounds is None."""
    low, high = min(float(max(low, least)), value), max(float(min(high, greatest)), value)
    return Estimate(value, None if math.isinf(low) else low, None if math.isinf(high) else high, n, confidence, method)


def mean_of(column: int) -> Callable[[Floats, Floats], Floats]:
    """The mean of one column over all rows."""

    def mean(sums: Floats, rows: Floats) -> Floats:
        return sums[..., column] / rows

    return mean
