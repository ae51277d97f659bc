"""Errors of numbers: equal to oracles, known only where something varies, covering what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn import metrics as oracle

from measures import magnitudes
from measures.estimate import NotMeasurable
from measures.magnitudes import Magnitudes
from measures.regression import Errors


def numbers(seed=4, n=400, far=0.0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n) + far
    return y, y + rng.normal(0.1, 0.5, n)


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_errors_are_those_of_the_oracle(far):
    y, p = numbers(far=far)
    errors = Errors()
    errors.add(y[:150], p[:150])
    errors.add(y[150:], p[150:], first_row=150)
    found = errors.measured(replicates=300)
    expected = {
        "rmse": math.sqrt(oracle.mean_squared_error(y, p)),
        "mae": oracle.mean_absolute_error(y, p),
        "bias": (p - y).mean(),
        "r2": oracle.r2_score(y, p),
        "pearson": pearsonr(y, p).statistic,
        "median_ae": np.sort(np.abs(p - y))[199],
        "p95_ae": np.sort(np.abs(p - y))[379],
    }
    for name, value in expected.items():
        e = found[name]
        assert e.value == pytest.approx(value, rel=1e-6), name
        assert e.low < e.value < e.high and e.n == 400
    assert ("mape" in found) == (far > 0)
    if far:
        assert found["mape"].value == pytest.approx(oracle.mean_absolute_percentage_error(y, p))


def test_errors_where_nothing_varies_are_not_known():
    errors = Errors()
    errors.add(np.full(5, 3.0), np.array([3.0, 3.1, 2.9, 3.0, 3.2]))
    found = errors.measured(replicates=100)
    assert found["r2"].n == 0 and found["r2"].low is None and found["pearson"].n == 0
    assert found["rmse"].value > 0 and found["mape"].value == pytest.approx(0.4 / 15)


def test_one_row_has_errors_without_bounds():
    errors = Errors()
    errors.add(np.array([2.0]), np.array([3.0]))
    found = errors.measured(replicates=100)
    assert found["rmse"].value == 1.0 and found["rmse"].high is None and found["rmse"].low == 0.0
    assert found["bias"].low is None and found["p95_ae"].high is None


def test_two_rows_do_not_break_a_correlation():
    errors = Errors()
    errors.add(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    found = errors.measured(replicates=200)
    assert found["pearson"].value == pytest.approx(1.0) and (found["pearson"].low, found["r2"].low) == (-1.0, None)


def test_numbers_that_cannot_be_squared_are_refused():
    with pytest.raises(NotMeasurable, match="too large"), np.errstate(over="ignore"):
        Errors().add(np.array([1e200, 0.0]), np.array([-1e200, 0.0]))


def test_the_intervals_of_errors_cover_what_they_say():
    rng = np.random.default_rng(8)
    mean_size = 0.5 * math.sqrt(2 / math.pi) * math.exp(-0.02) + 0.1 * 0.15852  # of a normal number with mean 0.1 and sd 0.5
    true = {"rmse": math.sqrt(0.26), "bias": 0.1, "r2": 1 - 0.26, "mae": mean_size, "pearson": 1 / math.sqrt(1.25)}
    hits = dict.fromkeys(true, 0)
    p95 = 0
    for _ in range(150):
        y = rng.normal(size=200)
        errors = Errors()
        errors.add(y, y + rng.normal(0.1, 0.5, 200))
        found = errors.measured(replicates=400, seed=int(rng.integers(1 << 30)))
        for name, value in true.items():
            hits[name] += found[name].low <= value <= found[name].high
        p95 += found["p95_ae"].low <= 0.9995 <= found["p95_ae"].high
    assert all(count / 150 >= 0.92 for count in hits.values()), hits
    assert p95 / 150 >= 0.92


def test_many_sizes_are_counted_to_half_a_thousandth(monkeypatch):
    monkeypatch.setattr(magnitudes, "KEPT", 1000)
    values = np.abs(np.random.default_rng(9).standard_cauchy(20_000))
    values[:50] = 0.0
    held, exact = Magnitudes(), np.sort(values)
    for part in np.array_split(values, 7):
        held.add(part)
    assert held.counts is not None
    for q in (0.001, 0.5, 0.95, 0.999):
        e = held.percentile(q)
        assert e.value == pytest.approx(exact[math.ceil(20_000 * q) - 1], rel=1e-3)
        assert e.low <= e.value <= e.high
    wide, narrow = held.percentile(0.5, units=200), held.percentile(0.5)
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)
    with pytest.raises(NotMeasurable):
        held.add(np.array([-1.0]))
    with pytest.raises(NotMeasurable):
        Magnitudes().percentile(0.5)
