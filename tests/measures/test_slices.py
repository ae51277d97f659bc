"""Slices against the rest: tests equal statsmodels and scipy, few false alarms among many slices, no verdict on a few rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

from measures.estimate import NotMeasurable
from measures.slices import compared, mean_estimate, slice_sums


def test_sums_add_and_leave_out_what_belongs_to_no_slice():
    rng = np.random.default_rng(0)
    codes, values = rng.integers(-1, 4, 500), rng.normal(size=500)
    whole = slice_sums(codes, 4, values)
    assert whole == pytest.approx(slice_sums(codes[:200], 4, values[:200]) + slice_sums(codes[200:], 4, values[200:]))
    assert whole[0].tolist() == [(codes == c).sum() for c in range(4)]
    assert whole[2, 3] == pytest.approx((values[codes == 3] ** 2).sum())
    right = values > 0
    assert slice_sums(codes, 4, right) == pytest.approx(slice_sums(codes, 4, right.astype(float)))


def test_rates_are_tested_as_statsmodels_tests_them():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 6, 4000)
    right = rng.random(4000) < np.where(codes == 2, 0.8, 0.9)
    found = compared([slice_sums(codes, 6, right)], rates=True)[0]
    expected = []
    for c in range(6):
        inside, outside = right[codes == c], right[codes != c]
        expected.append(proportions_ztest([inside.sum(), outside.sum()], [inside.size, outside.size])[1])
    assert [one.p for one in found] == pytest.approx(expected)
    assert [one.adjusted for one in found] == pytest.approx(multipletests(expected, method="fdr_bh")[1])
    assert [one.place for one in found if one.weak] == [2]
    assert found[2].worse.value == pytest.approx(right[codes != 2].mean() - right[codes == 2].mean())
    assert found[2].value.n == (codes == 2).sum()


def test_means_are_tested_as_scipy_tests_them():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 3, 900)
    errors = rng.exponential(np.where(codes == 1, 2.0, 1.0))
    found = compared([slice_sums(codes, 3, errors)], rates=False, higher_is_better=False, min_effect=0.1)[0]
    for c, one in enumerate(found):
        test = stats.ttest_ind(errors[codes == c], errors[codes != c], equal_var=False)
        assert one.p == pytest.approx(test.pvalue)
        bounds = test.confidence_interval()
        assert (one.worse.low, one.worse.high) == pytest.approx((bounds.low, bounds.high))
    assert [one.weak for one in found] == [False, True, False]


def test_of_two_hundred_faultless_slices_hardly_any_is_called_weak():
    rng, raw, weak = np.random.default_rng(5), 0, 0
    for _ in range(20):
        codes, right = rng.integers(0, 200, 60_000), rng.random(60_000) < 0.9
        found = compared([slice_sums(codes, 200, right)], rates=True, min_effect=0.0)[0]
        raw += sum(one.p < 0.05 for one in found)
        weak += sum(one.weak for one in found)
    assert 6 < raw / 20 < 14 and weak / 20 < 0.3


def test_truly_bad_slices_are_found():
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 200, 100_000)
    right = rng.random(100_000) < np.where(codes < 10, 0.82, 0.9)
    weak = [one.place for one in compared([slice_sums(codes, 200, right)], rates=True)[0] if one.weak]
    assert len([c for c in weak if c < 10]) >= 6 and len([c for c in weak if c >= 10]) <= 1


def test_the_correction_runs_over_all_columns():
    rng = np.random.default_rng(7)
    right = rng.random(3000) < 0.9
    one, many = rng.integers(0, 2, 3000), rng.integers(0, 20, 3000)
    alone = compared([slice_sums(one, 2, right)], rates=True)[0][0].adjusted
    together = compared([slice_sums(one, 2, right), slice_sums(many, 20, right)], rates=True)
    ps = [s.p for column in together for s in column]
    assert [s.adjusted for column in together for s in column] == pytest.approx(list(stats.false_discovery_control(ps)))
    assert together[0][0].adjusted >= alone


@pytest.mark.parametrize(
    ("codes", "right", "enough"),
    [
        ([0] * 49 + [1] * 400, [True, False] * 224 + [True], [False, False]),  # 49 rows on one side
        ([0] * 60 + [1] * 400, [True] * 455 + [False] * 5, [False, False]),  # fewer than 5 errors expected
        ([0] * 200, [True, False] * 100, [False]),  # no complement
        ([0] * 100 + [1] * 100, [True, False] * 100, [True, True]),
        ([0] * 100 + [1] * 100, [True] * 200, [False, False]),  # all equal
    ],
)
def test_too_few_rows_are_insufficient_not_fine(codes, right, enough):
    found = compared([slice_sums(np.array(codes), max(codes) + 1, np.array(right))], rates=True)[0]
    assert [one.enough for one in found] == enough
    assert all((one.p is None) == (not one.enough) for one in found) and not any(one.weak for one in found)


def test_a_difference_that_does_not_matter_is_not_called_weak():
    codes = np.repeat([0, 1], 500_000)
    right = np.concatenate([np.arange(500_000) % 1000 < 890, np.arange(500_000) % 1000 < 900])
    sums = [slice_sums(codes, 2, right)]
    (worse, _), (same, _) = compared(sums, rates=True)[0], compared(sums, rates=True, min_effect=0.005)[0]
    assert worse.adjusted < 1e-9 and not worse.weak and same.weak


@pytest.mark.parametrize("rates", [True, False])
def test_empty_and_single_slices(rates):
    values = np.array([True, False, True]) if rates else np.array([0.5, 1.0, 0.7])
    found = compared([slice_sums(np.array([0, 0, 2]), 3, values)], rates=rates)[0]
    assert found[1].value.n == 0 and found[2].value.n == 1 and not any(one.enough for one in found)
    assert compared([], rates=rates) == []
    alike = compared([slice_sums(np.repeat([0, 1], 60), 2, np.ones(120))], rates=False)[0]
    assert not any(one.weak for one in alike) and alike[0].value.low is None


def test_the_mean_of_one_value_is_not_bounded():
    assert mean_estimate(1, 3.0, 9.0).low is None and mean_estimate(0, 0.0, 0.0).n == 0
    values = np.random.default_rng(0).normal(size=40)
    e = mean_estimate(40, values.sum(), (values**2).sum())
    assert (e.low, e.high) == pytest.approx(stats.t.interval(0.95, 39, values.mean(), stats.sem(values)))


@pytest.mark.parametrize("wrong", [{"q": 0.0}, {"q": 1.0}, {"min_rows": 1}, {"min_effect": -0.1}])
def test_rules_that_make_no_sense_are_refused(wrong):
    with pytest.raises(NotMeasurable):
        compared([], rates=True, **wrong)
