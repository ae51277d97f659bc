"""Differences and ratios of two numbers: they equal their oracles, cover what they say, and do not collapse."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from measures.estimate import Estimate, NotMeasurable
from measures.means import column_means, mean_score
from measures.mover import correlation_of, difference, ratio, relative_drop, relative_rise
from measures.proportions import proportion


def test_the_difference_of_unpaired_proportions_is_newcombes():
    for a, n, b, m in ((56, 70, 48, 80), (9, 10, 3, 10), (0, 20, 0, 30)):
        ours = difference(proportion(a, n, method="wilson"), proportion(b, m, method="wilson"))
        low, high = confint_proportions_2indep(a, n, b, m, compare="diff", method="newcomb")
        assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-9)


def test_the_ratio_contains_exactly_what_the_difference_does_not_reject():
    """Fieller's argument: L is where first - L * second has 0 as its lower limit."""
    first, second, r = Estimate(0.6, 0.52, 0.67, 90, 0.95, "x"), Estimate(0.8, 0.71, 0.86, 90, 0.95, "x"), 0.3
    found = ratio(first, second, correlation=r)
    for bound, (d1, d2) in {found.low: (0.6 - 0.52, 0.86 - 0.8), found.high: (0.67 - 0.6, 0.8 - 0.71)}.items():
        gap = 0.6 - bound * 0.8
        assert gap**2 == pytest.approx(d1**2 - 2 * r * d1 * bound * d2 + (bound * d2) ** 2, rel=1e-9)


@pytest.mark.parametrize(("right_before", "lost", "n"), [(0.95, 0.1, 100), (0.99, 0.02, 300), (0.9, 0.6, 60)])
def test_the_relative_drop_of_paired_proportions_covers_what_it_says(right_before, lost, n):
    rng = np.random.default_rng(1)
    covered_drop, covered_gap, rounds = 0, 0, 1000
    gained = 0.2  # of the rows that were wrong
    after = right_before * (1 - lost) + (1 - right_before) * gained
    for _ in range(rounds):
        clean = rng.random(n) < right_before
        noisy = np.where(clean, rng.random(n) >= lost, rng.random(n) < gained)
        a, b = proportion(int(noisy.sum()), n), proportion(int(clean.sum()), n)
        r = correlation_of(noisy, clean)
        drop, gap = relative_drop(a, b, correlation=r), difference(a, b, correlation=r)
        covered_drop += drop.low <= 1 - after / right_before <= drop.high
        covered_gap += gap.low <= after - right_before <= gap.high
    assert covered_drop / rounds >= 0.935 and covered_gap / rounds >= 0.935
    assert covered_drop / rounds <= 0.998


def test_nothing_seen_to_change_is_not_certainty():
    right = proportion(50, 50)
    drop = relative_drop(right, right, correlation=correlation_of(np.ones(50), np.ones(50)))
    assert drop.value == 0.0 and drop.low < 0 < drop.high and drop.high > 0.03


def test_a_rise_and_a_drop_are_the_two_sides_of_one_ratio():
    a, b = Estimate(3.0, 2.5, 3.6, 40, 0.95, "x"), Estimate(2.0, 1.8, 2.3, 40, 0.95, "x")
    rise, drop = relative_rise(a, b), relative_drop(a, b)
    assert rise.value == 0.5 and (rise.low, rise.high) == pytest.approx((-drop.high, -drop.low))


def test_a_ratio_to_nought_is_refused_and_one_to_something_that_may_be_nought_has_no_upper_bound():
    some = proportion(5, 10)
    with pytest.raises(NotMeasurable, match="not nought"):
        ratio(some, proportion(0, 10))
    assert ratio(some, Estimate(0.1, 0.0, 0.3, 10, 0.95, "x")).high is None
    with pytest.raises(NotMeasurable, match="different confidence"):
        difference(some, proportion(5, 10, confidence=0.9))
    with pytest.raises(NotMeasurable, match="without a bound"):
        difference(some, Estimate(0.5, None, 0.9, 10, 0.95, "x"))


def test_the_correlation_is_pearsons_and_nought_where_nothing_varies():
    rng = np.random.default_rng(0)
    a = rng.random(50)
    b = a + rng.random(50)
    assert correlation_of(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert correlation_of(np.ones(5), b[:5]) == 0.0 and correlation_of([], []) == 0.0


def test_a_mean_score_is_the_proportion_where_scores_are_0_or_1_and_cautious_in_between():
    assert mean_score(np.array([1.0, 0.0, 1.0, 1.0])) == proportion(3, 4)
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(500):
        found = mean_score(rng.binomial(5, 0.9, 40) / 5)
        covered += found.low <= 0.9 <= found.high
    assert covered / 500 > 0.95
    with pytest.raises(NotMeasurable):
        mean_score(np.array([1.2]))


def test_column_means_cover_what_they_say_and_one_row_bounds_nothing():
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(300):
        found = column_means(rng.exponential(1.0, (60, 2)), replicates=300, seed=seed)
        covered += sum(one.low <= 1.0 <= one.high for one in found)
    assert 0.92 <= covered / 600 <= 0.98
    assert (column_means(np.array([[1.0, 2.0]]))[1].low, column_means(np.array([[1.0, 2.0]]))[1].n) == (None, 1)
    same = column_means(np.ones((5, 1)), replicates=10)[0]
    assert same.low == same.high == 1.0


def test_rows_that_score_alike_make_the_difference_certain():
    """Newcombe's formula by hand: at a correlation of 1 both errors cancel, at 0 they add in quadrature."""
    first, second = Estimate(0.6, 0.5, 0.7, 90, 0.95, "x"), Estimate(0.8, 0.7, 0.9, 90, 0.95, "x")
    apart, together = difference(first, second), difference(first, second, correlation=1.0)
    assert (together.low, together.high) == pytest.approx((-0.2, -0.2))
    assert (apart.low, apart.high) == pytest.approx((-0.2 - 0.02**0.5, -0.2 + 0.02**0.5))
