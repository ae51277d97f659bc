"""Percentiles with intervals from order statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.estimate import NotMeasurable
from measures.quantiles import percentile


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=80), st.sampled_from([0.5, 0.95, 0.99]))
def test_the_value_equals_numpy_and_lies_in_its_interval(values, q):
    e = percentile(np.array(values), q)
    assert e.value == np.quantile(values, q, method="inverted_cdf")
    assert 0 <= e.low <= e.value and (e.high is None or e.high >= e.value)


@pytest.mark.parametrize("q", [0.5, 0.95, 0.99])
def test_the_interval_covers_the_quantile(q):
    rng = np.random.default_rng(6)
    true = -np.log(1 - q)
    hits = 0
    for _ in range(800):
        e = percentile(rng.exponential(size=400), q)
        hits += e.low <= true <= e.high
    assert 0.94 <= hits / 800 <= 0.99


def test_a_sample_too_small_has_no_upper_bound():
    rng = np.random.default_rng(0)
    assert percentile(rng.random(367), 0.99).high is None
    assert percentile(rng.random(368), 0.99).high is not None
    only = percentile(np.array([0.2]), 0.5)
    assert (only.value, only.low, only.high) == (0.2, 0.0, None)


def test_what_has_no_percentile_is_refused():
    for values, q in ([], 0.5), ([1.0, np.inf], 0.5), ([1.0], 1.0):
        with pytest.raises(NotMeasurable):
            percentile(np.array(values), q)
