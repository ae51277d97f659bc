"""Softmax vectors, summed: rows, sums and sums of squares of each class's probability. Batches add."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from measures.confusion import Floats
from measures.estimate import NotMeasurable
from measures.scores import checked_probabilities

_SLACK = 1e-3  # sums may have been formed in single precision by the sender


@dataclass(frozen=True)
class Moments:
    """Rows seen, and per class [K] the sum and the sum of squares of the softmax probability."""

    n: int
    sums: Floats
    sums_of_squares: Floats

    def __post_init__(self) -> None:
        sums = np.asarray(self.sums, dtype=np.float64)
        squares = np.asarray(self.sums_of_squares, dtype=np.float64)
        object.__setattr__(self, "sums", sums)
        object.__setattr__(self, "sums_of_squares", squares)
        if sums.ndim != 1 or sums.size == 0 or sums.shape != squares.shape:
            raise NotMeasurable("The sums and the sums of squares are two lists of one number for each class.")
        if self.n < 1:
            raise NotMeasurable("There is no observation in the batch.")
        room = _SLACK * self.n
        if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
            raise NotMeasurable("A sum of the batch is not a finite number.")
        if sums.min() < -room or squares.min() < -room or (squares > sums + room).any() or abs(sums.sum() - self.n) > room:
            raise NotMeasurable(
                "These are not sums of softmax vectors: over all classes they add up to the number of rows, and no sum of "
                "squares exceeds its sum."
            )
        if (squares * self.n < sums**2 - room * self.n).any():
            raise NotMeasurable("A sum of squares is smaller than any rows with that sum could have.")

    @classmethod
    def of(cls, probabilities: NDArray[np.floating]) -> Moments:
        """From probabilities [n, K]."""
        p = checked_probabilities(probabilities)
        return cls(len(p), p.sum(axis=0), (p**2).sum(axis=0))

    def __add__(self, other: Moments) -> Moments:
        if self.sums.shape != other.sums.shape:
            raise NotMeasurable(f"A batch of {other.sums.size} classes cannot be added to one of {self.sums.size}.")
        # Sums of softmax vectors add up to sums of softmax vectors. To ask once more would refuse what rounding moved across
        # the edge of the slack, so that a sender could choose batches that nobody can add.
        whole = object.__new__(Moments)
        object.__setattr__(whole, "n", self.n + other.n)
        object.__setattr__(whole, "sums", self.sums + other.sums)
        object.__setattr__(whole, "sums_of_squares", self.sums_of_squares + other.sums_of_squares)
        return whole

    @property
    def classes(self) -> int:
        return int(self.sums.size)

    @property
    def mean(self) -> Floats:
        """[K]: mean probability of each class."""
        return np.clip(self.sums / self.n, 0.0, 1.0)

    @property
    def variance(self) -> Floats:
        """[K]: unbiased variance of each class's probability over the rows; the greatest possible, mean(1 - mean), at n = 1."""
        mean = self.mean
        if self.n == 1:
            return mean * (1.0 - mean)
        return np.maximum(self.sums_of_squares - self.sums**2 / self.n, 0.0) / (self.n - 1)


@dataclass(frozen=True)
class Reference:
    """What the predictions looked like on the reference data: rows, and mean and variance [K] of each class's probability."""

    n: int
    mean: Floats
    variance: Floats

    def __post_init__(self) -> None:
        mean, variance = np.asarray(self.mean, dtype=np.float64), np.asarray(self.variance, dtype=np.float64)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "variance", variance)
        if self.n < 1 or mean.ndim != 1 or mean.size == 0 or mean.shape != variance.shape:
            raise NotMeasurable("A reference holds its number of rows and one mean and one variance for each class.")
        whole = abs(float(mean.sum()) - 1.0) <= _SLACK
        if not (whole and mean.min() >= 0 and variance.min() >= 0 and np.isfinite(variance).all()):
            raise NotMeasurable("The reference means are not a distribution over the classes, or a variance is negative.")

    @classmethod
    def of(cls, moments: Moments) -> Reference:
        return cls(moments.n, moments.mean, moments.variance)
