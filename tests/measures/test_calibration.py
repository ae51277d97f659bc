"""Calibration: parts of the Brier score equal scikit-learn's isotonic fit, errors have their level by chance, intervals cover."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from measures import calibration
from measures.calibration import Bins
from measures.estimate import NotMeasurable
from measures.groups import Gathered, Groups


def gathered(p, y, *, limit=50_000, step=1000) -> Gathered:
    found = Gathered(limit=limit)
    for start in range(0, len(p), step):
        found.add(p[start : start + step], y[start : start + step])
    return found


def binned(p, y, bins=15):
    found = Bins(bins)
    found.add(np.asarray(p, dtype=float), np.asarray(y, dtype=float))
    return found.binned()


def drawn(n, *, power=1.0, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 2, n)
    return p, (rng.random(n) < p**power).astype(int)


@pytest.mark.parametrize("round_to", [None, 2, 0])  # ties: few different probabilities, or only 0 and 1
def test_the_parts_of_the_brier_score_are_those_of_the_isotonic_fit(round_to):
    p, y = drawn(3000, power=1.6)
    p = p if round_to is None else p.round(round_to)
    fit = IsotonicRegression().fit_transform(p, y)
    share = y.mean()
    expected = np.mean((fit - y) ** 2)
    found = calibration.decompose(gathered(p, y).groups())
    assert found.brier == pytest.approx(np.mean((p - y) ** 2))
    assert found.miscalibration == pytest.approx(found.brier - expected)
    assert found.discrimination == pytest.approx(share * (1 - share) - expected)
    assert found.brier == pytest.approx(found.miscalibration - found.discrimination + found.uncertainty)


def test_beyond_the_limit_memory_is_bounded_and_the_parts_hardly_move():
    p, y = drawn(60_000, power=1.3)
    whole, folded = gathered(p, y, limit=60_000), gathered(p, y, limit=5000)
    assert whole.exact and not folded.exact and folded.groups().rows.size <= 4096 < whole.groups().rows.size
    a, b = calibration.decompose(whole.groups()), calibration.decompose(folded.groups())
    assert b.brier == pytest.approx(a.brier, rel=1e-12) and folded.groups().n == 60_000
    assert b.miscalibration == pytest.approx(a.miscalibration, rel=0.02)
    assert b.discrimination == pytest.approx(a.discrimination, rel=0.01)


def test_the_expected_error_is_the_mean_gap_of_equal_bins():
    p, y = drawn(500)
    place = np.minimum((p * 15).astype(int), 14)
    expected = sum((place == b).mean() * abs(y[place == b].mean() - p[place == b].mean()) for b in set(place))
    assert calibration.expected_error(binned(p, y)) == pytest.approx(expected)
    assert binned([1.0, 1.0], [1, 0]).rows.tolist() == [2]  # probability 1 lies in the last bin


def test_by_chance_alone_a_calibrated_model_shows_an_error():
    """The plug-in error of a calibrated model: about .031 on 1,000 rows, whatever its resampled interval says."""
    levels, rejected = [], 0
    for seed in range(120):
        p, y = drawn(1000, seed=seed)
        found = calibration.chance_of(gathered(p, y).groups(coarse=True), binned(p, y), bins=15, draws=200, seed=seed)
        levels.append(found.mean)
        rejected += found.p_value <= 0.05
    assert 0.025 < np.mean(levels) < 0.045
    assert rejected <= 12  # 5 % of 120 are 6


def test_a_miscalibrated_model_is_told_from_chance():
    p, y = drawn(1000, power=1.5)
    found = calibration.chance_of(gathered(p, y).groups(coarse=True), binned(p, y), bins=15)
    assert found.p_value == pytest.approx(1 / 1001) and found.value > found.level > found.mean
    sure = np.where(p > 0.5, 0.5 + p / 2, p / 2)  # the same labels, said with too much confidence
    z, p_value = calibration.spiegelhalter(gathered(sure, drawn(1000)[1]).groups())
    assert z > 4 and p_value < 1e-4


def test_spiegelhalters_z_is_its_formula_and_standard_normal_when_calibrated():
    p, y = drawn(300)
    top = ((y - p) * (1 - 2 * p)).sum()
    z = calibration.spiegelhalter(gathered(p, y).groups())[0]
    assert z == pytest.approx(top / np.sqrt(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))
    zs = [calibration.spiegelhalter(gathered(*drawn(400, seed=seed)).groups())[0] for seed in range(300)]
    assert abs(np.mean(zs)) < 0.2 and 0.85 < np.std(zs) < 1.15
    assert calibration.spiegelhalter(gathered(np.array([0.0, 0.5, 1.0]), np.array([0, 1, 1])).groups()) == (0.0, 1.0)


def test_the_debiased_squared_error_is_its_formula_and_unbiased():
    p, y = drawn(400)
    b = binned(p, y)
    share = b.events / b.rows
    by_hand = sum(r / 400 * ((q - s) ** 2 - s * (1 - s) / (r - 1)) for r, q, s in zip(b.rows, b.p, share, strict=True) if r > 1)
    assert calibration.squared_error(b.rows, b.events, b.p) == pytest.approx(by_hand)
    each = [calibration.squared_error_estimate(binned(*drawn(500, seed=s)), draws=50).value for s in range(200)]
    assert abs(np.mean(each)) < 2.5 * np.std(each) / np.sqrt(200)


@pytest.mark.parametrize(("n", "power"), [(60, 1.0), (60, 1.6), (800, 1.0), (800, 1.6)])
def test_each_interval_covers_the_truth_at_least_as_often_as_it_says(n, power):
    rng = np.random.default_rng(7)
    whole = rng.beta(2, 2, 400_000)
    curve, share = whole**power, (whole**power).mean()
    truth = {
        "miscalibration": ((whole - curve) ** 2).mean(),
        "discrimination": ((curve - share) ** 2).mean(),
        "uncertainty": share * (1 - share),
    }
    times, hits = 100, dict.fromkeys([*truth, "ece", "squared"], 0)
    for seed in range(times):
        p, y = drawn(n, power=power, seed=seed)
        found = gathered(p, y)
        parts = calibration.decomposition_estimates(found.groups(), found.groups(coarse=True), draws=80, seed=seed)
        for name, value in truth.items():
            hits[name] += parts[name].low <= value <= parts[name].high
        seen, true = binned(p, y), binned(p, p**power)
        error = calibration.expected_error_estimate(seen, draws=200, seed=seed)
        hits["ece"] += error.low <= calibration.expected_error(true) <= error.high
        several = seen.rows > 1
        goal = (seen.shares * true.gaps**2)[several].sum()
        squared = calibration.squared_error_estimate(seen, draws=200, seed=seed)
        hits["squared"] += squared.low <= goal <= squared.high
    assert min(hits.values()) >= 90, hits


def test_the_band_holds_a_calibrated_model_and_not_an_overconfident_one():
    at = np.linspace(0.1, 0.9, 9)
    p, y = drawn(2000)
    found = gathered(p, y).groups(coarse=True)
    low, high = calibration.consistency_band(found, at, draws=200)
    curve = np.interp(at, found.p, calibration.fitted(found.events, found.rows))
    assert ((low <= curve) & (curve <= high)).sum() >= 8 and (low <= at).all() and (at <= high).all()
    worse = gathered(*drawn(2000, power=2.0)).groups(coarse=True)
    low, high = calibration.consistency_band(worse, at, draws=200)
    curve = np.interp(at, worse.p, calibration.fitted(worse.events, worse.rows))
    assert (curve < low).sum() >= 6


@pytest.mark.parametrize(
    ("p", "y"),
    [([0.7], [1]), ([0.3] * 40, [0] * 40), ([1.0] * 5, [1] * 5), ([0.0, 1.0], [1, 0]), ([0.5] * 6, [0, 1] * 3)],
    ids=["one row", "all alike", "sure and right", "sure and wrong", "no information"],
)
def test_degenerate_rows_give_numbers_and_wide_intervals(p, y):
    p, y = np.array(p), np.array(y)
    found = gathered(p, y)
    parts = calibration.decomposition_estimates(found.groups(), found.groups(coarse=True), draws=50)
    seen = binned(p, y)
    error = calibration.expected_error_estimate(seen, draws=100)
    chance = calibration.chance_of(found.groups(coarse=True), seen, bins=15, draws=50)
    calibration.squared_error_estimate(seen, draws=50)
    assert error.value == pytest.approx(abs(p - y).mean() if len(set(p)) > 1 else abs(p.mean() - y.mean()))
    assert 0 < chance.p_value <= 1 and all(0 <= e.low <= e.value <= e.high <= 1 for e in parts.values())
    if len(p) == 1:
        assert error.high - error.low > 0.4 and parts["uncertainty"].high == 0.25


def test_five_right_rows_do_not_prove_a_calibrated_model():
    error = calibration.expected_error_estimate(binned([1.0] * 5, [1] * 5))
    assert error.value == 0.0 and error.high > 0.2


@pytest.mark.parametrize(("p", "y"), [([1.2], [1]), ([float("nan")], [0]), ([0.5], [0, 1])])
def test_what_is_no_probability_is_refused(p, y):
    with pytest.raises(NotMeasurable):
        Gathered().add(np.array(p), np.array(y))


def test_no_rows_are_refused():
    for coarse in (False, True):
        with pytest.raises(NotMeasurable, match="no row"):
            Gathered().groups(coarse=coarse)
    with pytest.raises(NotMeasurable, match="no row"):
        Bins().binned()
    with pytest.raises(NotMeasurable, match="at least one bin"):
        Bins(0)


def test_groups_keep_the_score_of_saturated_probabilities():
    p = np.array([1.0, 1.0 - 1e-12, 1e-300, 0.0])
    found: Groups = gathered(p, np.array([1, 0, 0, 0]), limit=0).groups()
    assert found.brier == pytest.approx(0.25) and found.n == 4


def test_probabilities_near_one_keep_apart_however_many_there_are():
    p = 1.0 - np.logspace(-8, -4, 5)
    assert gathered(p, np.ones(5), limit=0).groups().rows.tolist() == [1.0] * 5
