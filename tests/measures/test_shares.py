"""Shares of rows that belong together: no more precise than the groups behind them."""

from __future__ import annotations

import numpy as np
import pytest

from measures import classification
from measures.blocks import keys_of, units_of
from measures.grouped import GroupedMargins
from measures.shares import f1_of, mean_of_all, ratio


def test_a_share_of_independent_rows_is_nearly_a_proportion():
    hits = np.random.default_rng(0).random(500) < 0.9
    found, plain = ratio(hits, np.ones(500), units=500), classification.proportion(int(hits.sum()), 500)
    assert (found.value, found.n) == (plain.value, 500)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high), abs=1e-3)


def test_a_share_without_errors_counts_groups():
    found = ratio(np.full(30, 20), np.full(30, 20), units=30)
    assert found.value == 1.0 and found.low == pytest.approx(classification.proportion(30, 30).low)
    assert ratio(np.zeros(3), np.zeros(3), units=3).n == 0


def test_a_single_error_among_few_groups_is_not_taken_for_precision():
    tops = np.full(30, 20)
    tops[3] = 19
    found = ratio(tops, np.full(30, 20), units=30)
    assert found.value == pytest.approx(599 / 600) and found.low < 0.93  # as 30 rows would have it, not as 600


def test_the_interval_of_a_grouped_share_covers_what_it_says():
    rng = np.random.default_rng(1)
    hits = {"groups": 0, "rows": 0}
    for _ in range(400):
        own = rng.beta(8, 2, 60)
        tops = rng.binomial(25, own)
        grouped, plain = ratio(tops, np.full(60, 25), units=60), classification.proportion(int(tops.sum()), 1500)
        hits["groups"] += grouped.low <= 0.8 <= grouped.high
        hits["rows"] += plain.low <= 0.8 <= plain.high
    assert 0.925 <= hits["groups"] / 400 <= 0.98 and hits["rows"] / 400 < 0.75


def test_a_mean_of_several_intervals_is_no_narrower_than_their_mean():
    parts = [classification.proportion(9, 10), classification.proportion(50, 100), classification.proportion(0, 0)]
    found = mean_of_all(parts, n=110)
    assert found.value == pytest.approx(0.7) and found.n == 110
    assert found.high - found.low == pytest.approx(np.mean([p.high - p.low for p in parts[:2]]))
    assert mean_of_all(parts[2:], n=0) is None


def test_groups_behind_blocks_are_counted():
    keys = np.random.default_rng(0).integers(0, 2**62, 5000)
    held = GroupedMargins(2)
    held.add(np.zeros(5000, dtype=int), np.zeros(5000, dtype=int), groups=np.repeat(keys[:1000], 5))
    assert units_of(held.rows) == pytest.approx(1000, rel=0.1)
    assert keys_of(np.array([3, -1, -1]), first_row=10).tolist() == [3, -13, -14]


def test_f1_follows_from_the_share_of_what_is_right():
    carried = f1_of(classification.proportion(6, 8))
    direct = classification.f1(6, 7, 7)
    assert (carried.value, carried.low, carried.high) == pytest.approx((direct.value, direct.low, direct.high))
