"""Right rows, rows and predictions of each class in blocks of groups: what a bootstrap of whole groups needs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from measures.blocks import BLOCKS, block_numbers, units_of
from measures.cells import REPLICATES, SEED, cells_bootstrap
from measures.classification import OVERALL
from measures.confusion import Margins
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable
from measures.shares import f1_of, ratio

Counts = NDArray[np.int64]


@dataclass
class GroupedMargins:
    """`right`, `truth` and `predicted` [blocks, K], and the rows in each block [blocks]."""

    classes: int
    blocks: int = BLOCKS
    right: Counts = field(init=False)
    truth: Counts = field(init=False)
    predicted: Counts = field(init=False)
    rows: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.right, self.truth, self.predicted = (np.zeros((self.blocks, self.classes), dtype=np.int64) for _ in range(3))
        self.rows = np.zeros(self.blocks, dtype=np.int64)

    def add(self, targets: NDArray[np.integer], predicted: NDArray[np.integer], *, groups: NDArray[np.integer]) -> None:
        """Add rows of one class each: targets [n], predicted [n], groups [n]."""
        block = block_numbers(len(targets), self.blocks, groups=groups)
        right = targets == predicted
        for sums, numbers, rows in (
            (self.truth, targets, block),
            (self.predicted, predicted, block),
            (self.right, targets[right], block[right]),
        ):
            np.add(sums, np.bincount(rows * self.classes + numbers, minlength=sums.size).reshape(sums.shape), out=sums)
        self.rows += np.bincount(block, minlength=self.blocks)

    def add_labels(
        self,
        targets: NDArray[np.integer],
        predicted: NDArray[np.integer],
        *,
        first_row: int = 0,
        groups: NDArray[np.integer] | None = None,
    ) -> None:
        """Add rows of many labels: targets [n, K] and predicted [n, K], each 0 or 1; without groups, rows numbered from
        `first_row`."""
        if targets.shape != predicted.shape or targets.ndim != 2 or targets.shape[1] != self.classes:
            raise NotMeasurable(f"Labels have the shape rows by {self.classes}, not {targets.shape} and {predicted.shape}.")
        block = block_numbers(len(targets), self.blocks, first_row=first_row, groups=groups)
        into = sparse.csr_array((np.ones(len(block), dtype=np.int64), (block, np.arange(len(block)))), (self.blocks, len(block)))
        self.truth += into @ targets
        self.predicted += into @ predicted
        self.right += into @ (targets * predicted)
        self.rows += np.bincount(block, minlength=self.blocks)

    @property
    def n(self) -> int:
        return int(self.rows.sum())

    def accuracy(self, *, confidence: float = CONFIDENCE) -> Estimate:
        """The share of right rows, each of one class."""
        return ratio(self.right.sum(axis=1), self.rows, units=units_of(self.rows), confidence=confidence)

    def replicates(self, replicates: int = REPLICATES, seed: int = SEED) -> Margins:
        """Margins [replicates, K] of blocks drawn with replacement."""
        filled = np.flatnonzero(self.rows)
        if not filled.size:
            raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
        drawn = np.random.default_rng(seed).multinomial(filled.size, np.full(filled.size, 1 / filled.size), size=replicates)
        weights = drawn.astype(np.float64)
        return Margins(*(weights @ sums[filled].astype(np.float64) for sums in (self.right, self.truth, self.predicted)))

    def overall(
        self, table: NDArray[np.integer], *, confidence: float = CONFIDENCE, replicates: int = REPLICATES, seed: int = SEED
    ) -> dict[str, Estimate]:
        """As `classification.overall` of the same rows' `table` [K, K], with intervals that draw whole groups."""
        accuracy = self.accuracy(confidence=confidence)
        low, high = accuracy.low or 0.0, 1.0 if accuracy.high is None else accuracy.high
        scale = min(1.0, _rows_behind(accuracy.value, high - low) / max(1, self.n))
        drawn = self.replicates(replicates, seed)
        found = cells_bootstrap(table, OVERALL, confidence=confidence, replicates=replicates, seed=seed, drawn=drawn, scale=scale)
        return {"accuracy": accuracy, **found}

    def per_class(self, *, units: int | None = None, confidence: float = CONFIDENCE) -> dict[str, list[Estimate]]:
        """`precision`, `recall` and `f1` of each class, each a ratio over the blocks; `units` where rows are independent."""

        def share(tops: Counts, bottoms: Counts) -> Estimate:
            behind = units_of(bottoms) if units is None else units
            return ratio(tops, bottoms, units=behind, confidence=confidence)

        classes = range(self.classes)
        either = self.truth + self.predicted - self.right
        return {
            "precision": [share(self.right[:, k], self.predicted[:, k]) for k in classes],
            "recall": [share(self.right[:, k], self.truth[:, k]) for k in classes],
            "f1": [f1_of(share(self.right[:, k], either[:, k])) for k in classes],
        }


def _rows_behind(share: float, width: float) -> float:
    """The rows of a plain proportion whose interval is so wide, by the normal approximation."""
    spread = max(share * (1.0 - share), 1e-3)
    return float(4.0 * 1.96**2 * spread / max(width, 1e-9) ** 2)
