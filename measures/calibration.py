"""Whether probabilities mean what they say: of the rows given 80 %, do 80 % happen?

The plain expected calibration error of a perfectly calibrated model is not 0: about .069 on 200 rows, .031 on 1,000. And a
bootstrap interval around it excludes the truth every time. So nothing here resamples rows around a biased value. Labels are
drawn as a calibrated model would give them (consistency resampling, Bröcker and Smith 2007), which gives the level that chance
alone reaches; and intervals are the value widened by how far such draws move it, which can only be too wide, never too short.
Sources: Dimitriadis, Gneiting, Jordan, "Stable reliability diagrams for probabilistic classifiers", PNAS 118 (2021);
Spiegelhalter, Statistics in Medicine 5 (1986); Kumar, Liang, Ma, "Verified uncertainty calibration" (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import ndtr

from measures.cells import SEED
from measures.confusion import Floats
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.groups import Groups
from measures.proportions import jeffreys

DRAWS = 1000
FIT_DRAWS = 400  # each fits a curve anew
BINS = 15


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Brier = miscalibration - discrimination + uncertainty, exactly; `curve` [m]: each group's recalibrated probability."""

    brier: float
    miscalibration: float
    discrimination: float
    uncertainty: float
    curve: Floats


@dataclass(frozen=True, slots=True)
class Chance:
    """What a calibrated model with these probabilities would show on these rows: the `level` that chance exceeds once in
    twenty, the mean, and the share of draws that reach the `value` seen (one is added to both sides, so it is never 0)."""

    value: float
    mean: float
    level: float
    p_value: float
    draws: int


@dataclass(frozen=True, slots=True)
class Binned:
    """Rows in bins of equal width of the probability, those that hold any: rows, events, mean probability; all [b]."""

    rows: Floats
    events: Floats
    p: Floats

    @property
    def shares(self) -> Floats:
        return self.rows / self.rows.sum()

    @property
    def gaps(self) -> Floats:
        """Share of events minus mean probability."""
        return self.events / self.rows - self.p


def fitted(events: Floats, rows: Floats) -> Floats:
    """[m]: the non-decreasing curve nearest to events / rows, weighted by rows (pool adjacent violators)."""
    return np.asarray(isotonic_regression(events / rows, weights=rows).x)


def decompose(groups: Groups) -> Decomposition:
    """Brier's score in its three parts by the non-decreasing curve that fits best (CORP)."""
    n, curve = groups.rows.sum(), fitted(groups.events, groups.rows)
    share = groups.events.sum() / n
    recalibrated = float((groups.rows * curve * curve - 2.0 * curve * groups.events + groups.events).sum() / n)
    uncertainty = float(share * (1.0 - share))
    brier = groups.brier
    return Decomposition(brier, brier - recalibrated, uncertainty - recalibrated, uncertainty, curve)


def decomposition_estimates(
    exact: Groups, coarse: Groups, *, confidence: float = CONFIDENCE, draws: int = FIT_DRAWS, seed: int = SEED
) -> dict[str, Estimate]:
    """`miscalibration`, `discrimination` and `uncertainty` with intervals.

    Discrimination is the squared distance of the fitted curve to the mean, and the squared distance of the curve to the
    probabilities is at most the miscalibration (the curve is a projection). By the triangle inequality neither distance can be
    off by more than the fitted curve is off from the true one; how far that is comes from fitting curves to labels drawn from it.
    """
    found, n = decompose(exact), exact.n
    error = _curve_error(coarse, confidence=confidence, draws=draws, seed=seed)
    apart = float((exact.rows * (exact.p - found.curve) ** 2).sum() / n)
    method = f"distance of fitted curves, {draws:,} draws"
    parts: dict[str, Estimate] = {}
    for name, value, squared in (
        ("miscalibration", max(found.miscalibration, 0.0), apart),
        ("discrimination", max(found.discrimination, 0.0), max(found.discrimination, 0.0)),
    ):
        root = float(np.sqrt(squared))
        low, high = max(0.0, root - error) ** 2, min(1.0, (root + error) ** 2)
        parts[name] = Estimate(value, min(low, value), max(high, value), n, confidence, method)
    parts["uncertainty"] = _uncertainty(round(float(exact.events.sum())), n, confidence=confidence)
    return parts


def _curve_error(groups: Groups, *, confidence: float, draws: int, seed: int) -> float:
    """The distance (root of the mean square over the rows) that a fitted curve keeps to its truth with the confidence asked."""
    rng, n = np.random.default_rng(seed), groups.rows.sum()
    counts = groups.rows.astype(np.int64)
    # Pulled off 0 and 1 by Jeffreys' half event at the curve's ends: labels that never vary would show no error at all.
    truth = np.clip(fitted(groups.events, groups.rows), 0.5 / (n + 1.0), (n + 0.5) / (n + 1.0))
    errors = np.empty(draws)
    for i in range(draws):
        curve = fitted(rng.binomial(counts, truth).astype(np.float64), groups.rows)
        errors[i] = np.sqrt((groups.rows * (curve - truth) ** 2).sum() / n)
    return float(np.quantile(errors, 1.0 - tail(confidence)))


def _uncertainty(events: int, n: int, *, confidence: float) -> Estimate:
    """share * (1 - share), carried over from Jeffreys' interval of the share; greatest at one half."""
    share = events / n
    low, high = jeffreys(events, n, confidence=confidence)
    ends = (low * (1.0 - low), high * (1.0 - high))
    most = 0.25 if low <= 0.5 <= high else max(ends)
    value = share * (1.0 - share)
    return Estimate(value, min(*ends, value), max(most, value), n, confidence, "jeffreys, carried over from the share")


class Bins:
    """Sums in `bins` bins of equal width of the probability, row by row: exact however many rows there are."""

    def __init__(self, bins: int = BINS) -> None:
        if bins < 1:
            raise NotMeasurable(f"Probabilities are put into at least one bin, not into {bins}.")
        self._sums = np.zeros((3, bins))

    def add(self, p: Floats, happened: Floats) -> None:
        bins = self._sums.shape[1]
        place = np.minimum((p * bins).astype(np.int64), bins - 1)
        for row, weights in enumerate((None, happened, p)):
            self._sums[row] += np.bincount(place, weights=weights, minlength=bins)

    def binned(self) -> Binned:
        rows, events, total = self._sums[:, self._sums[0] > 0]
        if not rows.size:
            raise NotMeasurable("There is no row to measure; evaluate on a data set that has rows.")
        return Binned(rows, events, total / rows)


def expected_error(binned: Binned) -> float:
    """Expected calibration error: the mean over rows of |share of events - mean probability| of the row's bin."""
    return float((binned.shares * np.abs(binned.gaps)).sum())


def expected_error_estimate(binned: Binned, *, confidence: float = CONFIDENCE, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """The expected calibration error, widened by what sampling alone can add or hide.

    |error seen - true error| <= sum of share * |share of events seen - true share| over the bins (triangle inequality), whose
    distribution is drawn from the shares seen, pulled off 0 and 1 by Jeffreys' half event.
    """
    rng = np.random.default_rng(seed)
    truth = (binned.events + 0.5) / (binned.rows + 1.0)
    drawn = rng.binomial(binned.rows.astype(np.int64), truth, size=(draws, binned.rows.size)) / binned.rows
    reach = float(np.quantile((binned.shares * np.abs(drawn - truth)).sum(axis=1), 1.0 - tail(confidence)))
    value = expected_error(binned)
    method = f"sampling error of the bins, {draws:,} draws"
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach), round(float(binned.rows.sum())), confidence, method)


def squared_error(rows: Floats, events: Floats, p: Floats) -> Floats:
    """Debiased squared calibration error of bins [..., b] (Kumar et al. 2019): unbiased, so it may lie below 0.

    A bin of one row tells nothing of its own noise and is left out.
    """
    several = rows > 1
    share = events / rows
    noise = share * (1.0 - share) / np.maximum(rows - 1.0, 1.0)
    return np.asarray((np.where(several, rows * ((p - share) ** 2 - noise), 0.0)).sum(axis=-1) / rows.sum())


def squared_error_estimate(binned: Binned, *, confidence: float = CONFIDENCE, draws: int = DRAWS, seed: int = SEED) -> Estimate:
    """The debiased squared calibration error with a parametric bootstrap's interval of its error (the basic one).

    Without a bin of several rows nothing is known: n = 0.
    """
    rng, out = np.random.default_rng(seed), tail(confidence)
    truth = (binned.events + 0.5) / (binned.rows + 1.0)
    several = binned.rows > 1
    if not several.any():
        return Estimate(0.0, None, None, 0, confidence, "no bin holds several rows")
    goal = float((np.where(several, binned.rows * (truth - binned.p) ** 2, 0.0)).sum() / binned.rows.sum())
    drawn = rng.binomial(binned.rows.astype(np.int64), truth, size=(draws, binned.rows.size)).astype(np.float64)
    low, high = np.quantile(squared_error(binned.rows, drawn, binned.p) - goal, [out, 1.0 - out])
    value = float(squared_error(binned.rows, binned.events, binned.p))
    n, method = round(float(binned.rows.sum())), f"parametric bootstrap, {draws:,} draws"
    return Estimate(value, min(value, value - float(high)), max(value, value - float(low)), n, confidence, method)


def spiegelhalter(groups: Groups) -> tuple[float, float]:
    """Spiegelhalter's Z and its two-sided p-value; (0, 1) where every probability is 0, 1 or one half and nothing can be told.

    Z = sum (y - p)(1 - 2p) / root of sum (1 - 2p)² p (1 - p); standard normal if the probabilities are calibrated.
    """
    p, rows = groups.p, groups.rows
    spread = float((rows * (1.0 - 2.0 * p) ** 2 * p * (1.0 - p)).sum())
    if spread <= 0.0:
        return 0.0, 1.0
    z = float(((groups.events - rows * p) * (1.0 - 2.0 * p)).sum() / np.sqrt(spread))
    return z, float(2.0 * ndtr(-abs(z)))


def chance_of(groups: Groups, binned: Binned, *, bins: int, draws: int = DRAWS, seed: int = SEED) -> Chance:
    """How large the expected calibration error of a calibrated model would come out: labels drawn from the probabilities."""
    place = np.minimum((groups.p * bins).astype(np.int64), bins - 1)
    names, into = np.unique(place, return_inverse=True)
    rows = np.bincount(into, weights=groups.rows)
    p = np.bincount(into, weights=groups.rows * groups.p) / rows
    counts, n, rng = groups.rows.astype(np.int64), groups.rows.sum(), np.random.default_rng(seed)
    drawn = np.empty(draws)
    for i in range(draws):
        events = np.bincount(into, weights=rng.binomial(counts, groups.p), minlength=names.size)
        drawn[i] = np.abs(events - rows * p).sum() / n
    value = expected_error(binned)
    reached = int((drawn >= value - 1e-12).sum())
    return Chance(value, float(drawn.mean()), float(np.quantile(drawn, 0.95)), (reached + 1) / (draws + 1), draws)


def consistency_band(
    groups: Groups, at: Floats, *, confidence: float = CONFIDENCE, draws: int = FIT_DRAWS, seed: int = SEED
) -> tuple[Floats, Floats]:
    """Lower and upper edge [k] at the probabilities `at` [k]: where the fitted curve of a calibrated model lies."""
    rng, out, counts = np.random.default_rng(seed), tail(confidence), groups.rows.astype(np.int64)
    curves = np.empty((draws, at.size))
    for i in range(draws):
        curve = fitted(rng.binomial(counts, groups.p).astype(np.float64), groups.rows)
        curves[i] = np.interp(at, groups.p, curve)
    low, high = np.quantile(curves, [out, 1.0 - out], axis=0)
    return np.minimum(low, at), np.maximum(high, at)
