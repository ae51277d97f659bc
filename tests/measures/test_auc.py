"""The area under the ROC curve equals its oracles, and its intervals cover what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from measures.auc import auc, binned, paired_auc
from measures.estimate import NotMeasurable


def direct(scores, positive):
    """DeLong by its definition: every pair compared, the two sample variances of the placements."""
    x, y = scores[positive], scores[~positive]
    wins = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return wins.mean(), wins.mean(axis=1), wins.mean(axis=0)


def drawn(seed, m=60, n=90, *, ties=False, shift=1.0):
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(shift, 1, m), rng.normal(0, 1, n)])
    positive = np.arange(m + n) < m
    order = rng.permutation(m + n)
    return (np.round(scores[order]) if ties else scores[order]), positive[order]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_area_and_its_variance_are_those_of_the_definition(seed, ties):
    scores, positive = drawn(seed, ties=ties)
    area, by_positive, by_negative = direct(scores, positive)
    found = auc(scores, positive)
    assert found.value == pytest.approx(roc_auc_score(positive, scores)) == pytest.approx(area)
    variance = by_positive.var(ddof=1) / len(by_positive) + by_negative.var(ddof=1) / len(by_negative)
    # far from 1 the interval is about as wide as the normal one around DeLong's variance
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.06)
    assert found.n == 150 and found.low < found.value < found.high


@pytest.mark.parametrize("seed", range(4))
def test_two_areas_are_compared_as_the_definition_says(seed):
    a, positive = drawn(seed)
    b = a + np.random.default_rng(seed + 100).normal(0, 1.5, a.size)
    found = paired_auc(a, b, positive)
    first, second = direct(a, positive), direct(b, positive)
    variance = (first[1] - second[1]).var(ddof=1) / positive.sum() + (first[2] - second[2]).var(ddof=1) / (~positive).sum()
    assert found.difference.value == pytest.approx(first[0] - second[0])
    half = norm.ppf(0.975) * np.sqrt(variance)
    assert found.difference.high - found.difference.value == pytest.approx(half) and found.difference.n == 150
    assert found.p == pytest.approx(2 * norm.sf(abs(first[0] - second[0]) / np.sqrt(variance)))


def test_bins_give_what_ties_within_bins_would():
    scores, positive = drawn(1, 400, 300, ties=True)
    levels = np.unique(scores)
    counts = [[int(((scores == level) & (positive == side)).sum()) for level in levels] for side in (False, True)]
    found = binned(np.array(counts[0]), np.array(counts[1]), groups=None, confidence=0.95)
    exact = auc(scores, positive)
    assert (found.value, found.low, found.high) == pytest.approx((exact.value, exact.low, exact.high))


def test_extremes_say_how_little_they_know():
    positive = np.array([True] * 10 + [False] * 10)
    perfect = auc(positive.astype(float), positive)
    assert perfect.value == perfect.high == 1.0 and 0.7 < perfect.low < 0.9
    reversed_ = auc(-positive.astype(float), positive)
    assert reversed_.value == reversed_.low == 0.0 and 0.1 < reversed_.high < 0.3
    constant = auc(np.ones(20), positive)
    assert constant.value == 0.5 and constant.low < 0.35
    pair = auc(np.array([2.0, 1.0]), np.array([True, False]))
    assert pair.value == 1.0 and pair.low < 0.3
    for one_side in (np.ones(5, dtype=bool), np.zeros(5, dtype=bool)):
        nothing = auc(np.arange(5.0), one_side)
        assert (nothing.n, nothing.low, nothing.high) == (0, 0.0, 1.0)


def test_the_same_order_of_rows_is_no_difference_and_leaves_room():
    scores, positive = drawn(2)
    found = paired_auc(scores, scores * 3 + 1, positive)
    assert found.difference.value == 0.0 and found.p == 1.0
    assert found.difference.low < -0.01 and found.difference.high > 0.01


@pytest.mark.parametrize(
    ("scores", "positive", "sentence"),
    [
        (np.array([1.0, np.nan]), np.array([True, False]), "not a finite"),
        (np.ones(3), np.array([True, False]), "each row needs one"),
    ],
)
def test_what_cannot_be_ordered_is_refused(scores, positive, sentence):
    with pytest.raises(NotMeasurable, match=sentence):
        auc(scores, positive)


def test_two_areas_need_both_sides():
    with pytest.raises(NotMeasurable, match="positive and negative"):
        paired_auc(np.ones(3), np.ones(3), np.ones(3, dtype=bool))


@pytest.mark.parametrize(("true", "m", "n"), [(0.75, 40, 60), (0.9, 20, 300), (0.98, 100, 100), (0.995, 30, 200)])
def test_the_interval_covers_what_it_says(true, m, n):
    rng = np.random.default_rng(7)
    shift, positive = norm.ppf(true) * np.sqrt(2), np.arange(m + n) < m
    trials = 400
    hits = 0
    for _ in range(trials):
        found = auc(np.concatenate([rng.normal(shift, 1, m), rng.normal(0, 1, n)]), positive)
        hits += found.low <= true <= found.high
    assert hits / trials >= 0.925


def test_rows_of_a_group_count_as_one():
    """60 people of 20 rows that are nearly alike: an interval over rows covers half of what it says, one over people does."""
    rng = np.random.default_rng(11)
    people, each, shift = 60, 20, norm.ppf(0.8) * np.sqrt(2)
    groups = np.repeat(np.arange(people), each)
    positive = groups % 2 == 0
    hits = {"rows": 0, "groups": 0}
    for _ in range(200):
        scores = rng.normal(0, 1, people)[groups] + shift * positive + rng.normal(0, 0.05, groups.size)
        for name, found in (("rows", auc(scores, positive)), ("groups", auc(scores, positive, groups=groups))):
            hits[name] += found.low <= 0.8 <= found.high
    assert hits["groups"] / 200 >= 0.92 and hits["rows"] / 200 < 0.7


def test_the_paired_interval_covers_what_it_says():
    rng = np.random.default_rng(13)
    m = n = 80
    positive = np.arange(m + n) < m
    areas = norm.cdf(1.2 / np.sqrt(2)), norm.cdf(1.2 / np.sqrt(2 * (1 + 0.7**2)))
    hits = 0
    for _ in range(400):
        first = rng.normal(0, 1, m + n) + 1.2 * positive
        second = first + rng.normal(0, 0.7, m + n)
        found = paired_auc(first, second, positive).difference
        hits += found.low <= areas[0] - areas[1] <= found.high
    assert 0.925 <= hits / 400 <= 0.98
