"""What a row is worth: a mean over a table of values, and what was not seen still costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from measures.estimate import NotMeasurable
from measures.value import expected_value

VALUES = [[0.0, -1.0], [-20.0, 10.0]]


def test_the_expected_value_is_the_mean_over_the_rows():
    rng = np.random.default_rng(11)
    table = np.array([[80, 6], [3, 11]])
    found = expected_value(table, VALUES)
    assert found.value == pytest.approx((table * np.array(VALUES)).sum() / 100) and found.n == 100
    rows = np.repeat(np.array(VALUES).ravel(), table.ravel())
    spread = 2 * 1.96 * rows.std(ddof=1) / 10
    assert spread * 0.95 < found.high - found.low < spread * 1.4
    assert expected_value(table, VALUES, scale=0.1).low < found.low
    del rng


def test_a_mistake_that_was_not_seen_still_costs():
    found = expected_value(np.array([[90, 0], [0, 10]]), VALUES)
    assert found.value == found.high == pytest.approx(1.0) or found.high >= found.value
    assert found.low < 0.5  # of 10 positive rows, some of those to come may be missed at 20 each


@pytest.mark.parametrize("values", [[[1.0]], [[0, 1], [1, math.nan]], "gold", [[0, 1], [1]], [["a", "b"], ["c", "d"]]])
def test_a_matrix_that_gives_no_values_is_refused(values):
    with pytest.raises(NotMeasurable, match="value matrix has 2 rows"):
        expected_value(np.array([[1, 1], [1, 1]]), values)


def test_the_interval_of_the_expected_value_covers_what_it_says():
    rng = np.random.default_rng(12)
    p = np.array([0.8, 0.08, 0.02, 0.1])
    true, hits = float(p @ np.ravel(VALUES)), 0
    for _ in range(400):
        found = expected_value(rng.multinomial(150, p).reshape(2, 2), VALUES, replicates=300)
        hits += found.low <= true <= found.high
    assert hits / 400 >= 0.93
