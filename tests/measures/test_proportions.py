"""Proportions equal statsmodels, cover what they promise, and say how many rows would settle a question."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from measures.estimate import Estimate, NotMeasurable, exact
from measures.proportions import jeffreys, proportion, rows_to_settle, wilson

COUNTS = [(0, 1), (1, 1), (0, 30), (30, 30), (1, 30), (29, 30), (440, 450), (999_990, 1_000_000), (3, 7)]


@pytest.mark.parametrize(("successes", "n"), COUNTS)
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_intervals_equal_the_oracle(successes, n, confidence):
    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    assert wilson(successes, n, confidence=confidence) == pytest.approx((low, high), abs=1e-12)
    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="jeffreys")
    low, high = (0.0 if successes == 0 else low), (1.0 if successes == n else high)  # the edges of Brown et al.
    assert jeffreys(successes, n, confidence=confidence) == pytest.approx((low, high), abs=1e-12)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from(["jeffreys", "wilson"]))
def test_the_interval_contains_the_rate_and_stays_within_0_and_1(counts, method):
    successes, n = counts
    estimate = proportion(successes, n, method=method)
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.value == successes / n


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_one_success_more_raises_both_bounds(counts):
    successes, n = counts
    for interval in (jeffreys, wilson):
        (low, high), (next_low, next_high) = interval(successes, n), interval(successes + 1, n)
        assert next_low >= low and next_high >= high


@given(st.floats(0.01, 0.99), st.integers(5, 2000))
def test_twice_the_rows_at_the_same_rate_narrow_the_interval(rate, n):
    narrow, wide = jeffreys(rate * 2 * n, 2 * n), jeffreys(rate * n, n)
    assert narrow[1] - narrow[0] < wide[1] - wide[0]


@pytest.mark.parametrize(("rate", "n", "least"), [(0.99, 200, 0.95), (0.999, 1000, 0.95), (0.9, 450, 0.935), (0.5, 100, 0.93)])
def test_jeffreys_covers_where_models_live(rate, n, least):
    hits = np.random.default_rng(1).binomial(n, rate, 4000)
    bounds = {int(x): jeffreys(int(x), n) for x in np.unique(hits)}
    covered = np.mean([bounds[int(x)][0] <= rate <= bounds[int(x)][1] for x in hits])
    assert covered >= least


def test_no_row_means_that_nothing_is_known():
    nothing = proportion(0, 0)
    assert (nothing.n, nothing.low, nothing.high, nothing.known) == (0, 0.0, 1.0, False)
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(2, 1), (-1, 3), (0, -1)])
def test_what_is_no_proportion_is_refused(successes, n):
    with pytest.raises(NotMeasurable, match="is not a proportion"):
        jeffreys(successes, n)
    with pytest.raises(NotMeasurable, match="is not a proportion"):
        wilson(successes, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_a_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(NotMeasurable, match="between 0 and 1"):
        jeffreys(1, 2, confidence=confidence)


def test_an_unknown_interval_is_refused_by_name():
    with pytest.raises(NotMeasurable, match="'wald'"):
        proportion(1, 2, method="wald")


@pytest.mark.parametrize(("rate", "limit"), [(0.96, 0.95), (0.978, 0.97), (0.94, 0.95), (1.0, 0.95), (0.0, 0.05), (0.6, 0.2)])
def test_rows_to_settle_is_the_first_number_that_settles(rate, limit):
    n = rows_to_settle(rate, limit)

    def settled(rows):
        low, high = jeffreys(rate * rows, rows)
        return low >= limit if rate > limit else high < limit

    assert settled(n) and not settled(n - 1)


@settings(max_examples=30)
@given(st.floats(0.9505, 1.0))
def test_a_rate_further_from_the_limit_needs_fewer_rows(rate):
    assert rows_to_settle(min(1.0, rate + 0.005), 0.95) <= rows_to_settle(rate, 0.95)


def test_no_number_of_rows_settles_a_rate_on_its_limit():
    assert rows_to_settle(0.95, 0.95) is None
    assert rows_to_settle(0.9500001, 0.95) is None
    assert rows_to_settle(1.0, 1.0) is None
    with pytest.raises(NotMeasurable):
        rows_to_settle(1.2, 0.95)


def test_an_estimate_refuses_what_is_no_number_and_bounds_on_the_wrong_side():
    with pytest.raises(NotMeasurable, match="finite"):
        Estimate(float("nan"), 0.0, 1.0, 3, 0.95, "x")
    with pytest.raises(NotMeasurable, match="contain"):
        Estimate(0.5, 0.6, 1.0, 3, 0.95, "x")
    assert exact(7, n=1).low == 7
