"""What repeated training tells: folds combined by the corrected t, refits of a bootstrap by the .632+ rule.

Folds share training rows, so their values are correlated and the usual t of their spread is too bold: of ten times ten folds
it calls 57 of 100 equal pairs different. Nadeau and Bengio ("Inference for the Generalization Error", Machine Learning 52,
2003) enlarge the variance by n_test / n_train for that. The refits of a bootstrap see about 63 % of the rows, so their
error on the rest is too high, and the error on the training rows too low; Efron and Tibshirani ("Improvements on
Cross-Validation: The .632+ Bootstrap Method", JASA 92, 1997) weigh the two by how far the model overfits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.proportions import jeffreys

CORRECTED_T, PLUS_632, SPREAD = "corrected t", ".632+", "spread of refits"


@dataclass(frozen=True, slots=True)
class Fold:
    """A value measured on the `n` rows that inform it, with the bounds of its own interval where it has one."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None


def corrected_t(values: Sequence[float], *, train_rows: float, test_rows: float) -> tuple[float, float, int]:
    """(mean, standard error, degrees of freedom) of k values: the variance s2 (1/k + test_rows / train_rows), k - 1."""
    k = len(values)
    if k < 2:
        raise NotMeasurable("At least two folds are needed to see how much they differ.")
    if not (train_rows > 0 and test_rows > 0):
        raise NotMeasurable("Each fold trains on at least one row and holds at least one out.")
    spread = float(np.var(values, ddof=1))
    return math.fsum(values) / k, math.sqrt(spread * (1.0 / k + test_rows / train_rows)), k - 1


def over_folds(
    folds: Sequence[Fold],
    *,
    train_rows: float,
    test_rows: float,
    least: float = -math.inf,
    greatest: float = math.inf,
    confidence: float = CONFIDENCE,
) -> Estimate:
    """The mean over the folds with the corrected t's interval, kept within [least, greatest].

    `train_rows` and `test_rows` are the rows of one fold, on average. Folds that happen to agree would have no spread at all,
    so the interval is never narrower than what the rows alone leave open: the folds' own half widths, of which a mean of k
    independent folds keeps the root of the sum of squares over k.
    """
    out = tail(confidence)
    mean, error, freedom = corrected_t([fold.value for fold in folds], train_rows=train_rows, test_rows=test_rows)
    half = float(stdtrit(freedom, 1.0 - out)) * error
    below = max(half, _own_width([fold.value - fold.low for fold in folds if fold.low is not None], len(folds)))
    above = max(half, _own_width([fold.high - fold.value for fold in folds if fold.high is not None], len(folds)))
    return Estimate(
        mean,
        min(mean, max(least, mean - below)),
        max(mean, min(greatest, mean + above)),
        sum(fold.n for fold in folds),
        confidence,
        f"{CORRECTED_T}, {len(folds)} folds",
    )


def _own_width(widths: Sequence[float], k: int) -> float:
    return math.sqrt(math.fsum(width * width for width in widths)) / k


def over_refits(
    folds: Sequence[Fold], *, least: float = -math.inf, greatest: float = math.inf, confidence: float = CONFIDENCE
) -> Estimate:
    """The mean out-of-bag value of B refits, and between which values all but a share of 1 - confidence of them lie.

    With less than 2 / (1 - confidence) refits the outermost ones are the bounds. Pessimistic: each refit saw 63 % of the rows.
    """
    if len(folds) < 2:
        raise NotMeasurable("At least two refits are needed to see how much they differ.")
    values = np.asarray([fold.value for fold in folds])
    out = tail(confidence)
    low, high = np.quantile(values, [out, 1.0 - out], method="inverted_cdf")
    mean = math.fsum(values) / len(values)
    low, high = max(least, min(float(low), mean)), min(greatest, max(float(high), mean))
    n = round(sum(fold.n for fold in folds) / len(folds))  # rows of one refit: the refits share them
    return Estimate(mean, low, high, n, confidence, f"{SPREAD}, {len(folds)} out of bag")


def no_information(true: NDArray[np.integer], predicted: NDArray[np.integer]) -> float:
    """The error rate if truth and prediction had nothing to do with one another, from the rows per class [K] of each."""
    n, answered = float(np.sum(true)), float(np.sum(predicted))
    if n <= 0 or answered <= 0:
        raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
    return 1.0 - float(np.dot(np.asarray(true) / n, np.asarray(predicted) / answered))


def plus_632(*, apparent: float, left_out: float, none: float) -> float:
    """The .632+ error from the error on the training rows, the leave-one-out bootstrap error and the no-information error."""
    capped = min(left_out, none)
    overfit = (capped - apparent) / (none - apparent) if capped > apparent and none > apparent else 0.0
    weight = 0.632 / (1.0 - 0.368 * overfit)
    return (1.0 - weight) * apparent + weight * capped


@dataclass
class OutOfBag:
    """The leave-one-out bootstrap error: each row's error over the refits whose bag it was not in; sums over refits.

    The standard error is the paper's: the infinitesimal jackknife, with what the finite number of refits adds to it taken off.
    Rows that are always drawn together (a patient, a user) count as one there.
    """

    rows: int
    refits: int = 0
    _left_out: NDArray[np.int64] = field(init=False)
    _wrong: NDArray[np.int64] = field(init=False)
    _drawn: NDArray[np.int64] = field(init=False)
    _drawn_times_error: Floats = field(init=False)
    _together: NDArray[np.uint64] = field(init=False)
    _errors: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left_out, self._wrong, self._drawn = (np.zeros(self.rows, dtype=np.int64) for _ in range(3))
        self._drawn_times_error = np.zeros(self.rows)
        self._together = np.zeros(self.rows, dtype=np.uint64)

    def add(self, bag: NDArray[np.integer], wrong: NDArray[np.bool_]) -> None:
        """One refit: how often each row was in its bag [n], and of the rows that were not, ascending, whether it was wrong."""
        counts = np.asarray(bag, dtype=np.int64)
        outside = np.flatnonzero(counts == 0)
        if counts.shape != (self.rows,) or counts.min() < 0 or outside.size != len(wrong):
            raise NotMeasurable("Each row left out of the bag needs to be measured, and no other.")
        self.refits += 1
        self._left_out[outside] += 1
        self._wrong[outside] += wrong
        self._drawn += counts
        share = float(np.sum(wrong)) / self.rows
        self._errors.append(share)
        self._drawn_times_error += counts * share
        with np.errstate(over="ignore"):  # a polynomial of the counts, modulo 2**64, that tells rows apart
            self._together = self._together * np.uint64(6364136223846793005) + counts.astype(np.uint64) + np.uint64(1)

    @property
    def error(self) -> float:
        """The mean over rows of each row's error where it was left out."""
        known = self._left_out > 0
        if self.refits < 2 or not known.any():
            raise NotMeasurable("At least two refits that leave rows out are needed.")
        return float((self._wrong[known] / self._left_out[known]).mean())

    @property
    def standard_error(self) -> float:
        """Of `error`; never below what the rows alone would give."""
        known = self._left_out > 0
        units, unit = np.unique(self._together[known], return_inverse=True)
        n, m = int(known.sum()), len(units)
        apart = np.bincount(unit, weights=self._wrong[known] / self._left_out[known] - self.error, minlength=m) / n
        floor = float(np.square(apart).sum())
        if m < 2:
            return math.sqrt(floor)
        raised = (1.0 - 1.0 / m) ** -m  # one over the chance of being left out: about e
        mean = math.fsum(self._errors) / self.refits
        with_error = (self._drawn_times_error[known] - self._drawn[known] * mean) / self.refits
        first = np.unique(unit, return_index=True)[1]  # the rows of a unit have the same counts
        jackknife = (2.0 + 1.0 / (m - 1)) * apart + raised * with_error[first]
        noise = m * raised**2 * float(np.var(self._errors)) / self.refits  # Wager, Hastie, Efron, JMLR 15 (2014)
        return math.sqrt(max(float(np.square(jackknife).sum()) - noise, floor))

    def accuracy(
        self,
        *,
        apparent: float,
        true: NDArray[np.integer],
        predicted: NDArray[np.integer],
        confidence: float = CONFIDENCE,
    ) -> Estimate:
        """1 - the .632+ error, with its interval; `apparent` is the error on the rows that the model was trained on, `true` and
        `predicted` the rows per class there. The interval is at least Jeffreys' for as many rows."""
        left_out = self.error
        error = plus_632(apparent=apparent, left_out=left_out, none=no_information(true, predicted))
        scale = error / left_out if left_out > 0 else 1.0
        half = float(-ndtri(tail(confidence))) * self.standard_error * scale
        low, high = jeffreys((1.0 - error) * self.rows, self.rows, confidence=confidence)
        value = 1.0 - error
        low, high = max(0.0, min(low, value - half)), min(1.0, max(high, value + half))
        return Estimate(value, min(low, value), max(high, value), self.rows, confidence, f"{PLUS_632}, {self.refits} refits")
