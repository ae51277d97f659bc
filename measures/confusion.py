"""Metrics of a confusion table, each a function of three margins, for one table or for thousands at once.

A table holds counts [truth, prediction]. Every metric here depends only on the rows that were right, the rows of each class
and the rows predicted as each class, so replicates need [B, K] numbers instead of [B, K, K].
Conventions where a class does not occur are those of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measures.estimate import NotMeasurable

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Margins:
    """`right`, `truth`, `predicted`: rows of each class that were right, that there are, that were predicted; each [..., K]."""

    right: Floats
    truth: Floats
    predicted: Floats

    @property
    def rows(self) -> Floats:
        """All rows, [...]."""
        return self.truth.sum(axis=-1)


Metric = Callable[[Margins], Floats]


def table_of(targets: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Counts [K, K] of truth by prediction from two vectors [n] of class numbers; refuses numbers outside 0..K-1."""
    if targets.shape != predicted.shape or targets.ndim != 1:
        raise NotMeasurable(f"There are {targets.size:,} targets but {predicted.size:,} predictions; each row needs both.")
    for name, numbers in (("target", targets), ("prediction", predicted)):
        if numbers.size and not (numbers.min() >= 0 and numbers.max() < classes):
            raise NotMeasurable(f"A {name} lies outside the {classes} declared classes; they are numbered 0 to {classes - 1}.")
    cells = np.bincount(targets.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes)


def checked(table: NDArray[np.integer]) -> NDArray[np.int64]:
    """The table as int64, if it is a square table of counts that holds at least one row."""
    table = np.asarray(table)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.shape[0] == 0:
        raise NotMeasurable(f"A confusion table is square, not of shape {table.shape}.")
    if not np.issubdtype(table.dtype, np.integer) or table.min() < 0:
        raise NotMeasurable("A confusion table holds counts: whole numbers of at least 0.")
    if table.sum() == 0:
        raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
    return table.astype(np.int64)


def margins_of(table: NDArray[np.integer]) -> Margins:
    """The margins of one table [K, K] or of many [..., K, K]."""
    tables = np.asarray(table, dtype=np.float64)
    return Margins(np.diagonal(tables, axis1=-2, axis2=-1).copy(), tables.sum(axis=-1), tables.sum(axis=-2))


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, and 0 where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.zeros(np.broadcast(top, bottom).shape), where=bottom > 0)


def accuracy(m: Margins) -> Floats:
    """Right rows / all rows."""
    return _ratio(m.right.sum(axis=-1), m.rows)


def recalls(m: Margins) -> Floats:
    """[..., K]: right rows of a class / rows of that class; 0 where there is none."""
    return _ratio(m.right, m.truth)


def precisions(m: Margins) -> Floats:
    """[..., K]: right rows of a class / rows predicted as it; 0 where there is none."""
    return _ratio(m.right, m.predicted)


def f1s(m: Margins) -> Floats:
    """[..., K]: 2 right / (rows of the class + rows predicted as it); 0 where there is none."""
    return _ratio(2.0 * m.right, m.truth + m.predicted)


def balanced_accuracy(m: Margins) -> Floats:
    """Mean recall over the classes that have rows."""
    return _ratio(recalls(m).sum(axis=-1), (m.truth > 0).sum(axis=-1).astype(np.float64))


def macro_f1(m: Margins) -> Floats:
    """Mean F1 over the classes that occur in truth or prediction."""
    return _ratio(f1s(m).sum(axis=-1), (m.truth + m.predicted > 0).sum(axis=-1).astype(np.float64))


def weighted_f1(m: Margins) -> Floats:
    """Mean F1 weighted by the rows of each class."""
    return _ratio((f1s(m) * m.truth).sum(axis=-1), m.rows)


def mcc(m: Margins) -> Floats:
    """Matthews' correlation for K classes (Gorodkin 2004), -1 to 1; 0 where one side has a single class."""
    n = m.rows
    together = m.right.sum(axis=-1) * n - (m.truth * m.predicted).sum(axis=-1)
    apart = np.sqrt(np.maximum(n * n - (m.predicted**2).sum(axis=-1), 0.0)) * np.sqrt(
        np.maximum(n * n - (m.truth**2).sum(axis=-1), 0.0)
    )
    return np.clip(_ratio(together, apart), -1.0, 1.0)


def kappa(m: Margins) -> Floats:
    """Cohen's kappa, -1 to 1; NaN where truth and prediction are one and the same class, because then it is undefined."""
    n = m.rows
    by_chance = _ratio((m.truth * m.predicted).sum(axis=-1), n * n)
    left = 1.0 - by_chance
    return np.divide(accuracy(m) - by_chance, left, out=np.full(np.shape(left), np.nan), where=left > 0)
