"""Outlines keep every peak, do not depend on how the points arrived, and stay small."""

from __future__ import annotations

import numpy as np
import pytest

from measures.outline import KEPT, MOST_BLOCKS, POINT, Outline, points, thin


def _line(count, seed=0):
    values = np.random.default_rng(seed).normal(size=count)
    return points(np.arange(count), values, np.arange(count) * 7)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 4096, 4097, 10_000, 300_001])
def test_an_outline_keeps_ends_and_extremes_and_stays_small(count):
    line = _line(count)
    outline = Outline().extended(line)
    kept = outline.kept
    assert outline.count == count
    assert len(kept) <= KEPT * MOST_BLOCKS + outline.block
    assert np.isin(kept, line).all()
    if count:
        assert kept["value"].min() == line["value"].min() and kept["value"].max() == line["value"].max()
        assert kept[0] == line[0] and kept[-1] == line[-1]
        assert (np.diff(kept["step"]) >= 0).all()


def test_while_there_are_few_points_all_are_kept():
    line = _line(4000)
    assert (Outline().extended(line).kept == line).all()


def test_every_lonely_peak_survives():
    line = _line(100_000)
    peaks = np.random.default_rng(1).choice(100_000, 40, replace=False)
    line["value"][peaks] = 50 + np.arange(40)
    line["value"][(peaks + 1)[peaks < 99_999]] = -50
    kept = Outline().extended(line).kept
    rows = Outline().extended(line)
    for peak in peaks:  # a block of two peaks shows the higher one
        mates = line["value"][peak // rows.block * rows.block : (peak // rows.block + 1) * rows.block]
        assert mates.max() in kept["value"]


def test_it_is_the_same_however_the_points_arrived():
    line = _line(70_000)
    at_once, in_parts, begun = Outline().extended(line), Outline(), 0
    for size in [1, 2, 4093, 1, 8192, 77, 30_000, 0, 70_000]:
        in_parts = in_parts.extended(line[begun : begun + size])
        begun += size
    assert (at_once.count, at_once.block) == (in_parts.count, in_parts.block)
    assert (at_once.rows == in_parts.rows).all() and (at_once.tail == in_parts.tail).all()


def test_it_goes_through_bytes():
    outline = Outline().extended(_line(12_345))
    again = Outline.from_bytes(outline.to_bytes())
    assert again.to_bytes() == outline.to_bytes()
    assert (again.extended(_line(9, 1)).kept == outline.extended(_line(9, 1)).kept).all()


def test_what_is_no_number_is_kept_too():
    line = _line(20_000)
    line["value"] = np.nan
    line["value"][::3] = np.inf
    kept = Outline().extended(line).kept
    assert kept[0]["step"] == 0 and kept[-1]["step"] == 19_999


@pytest.mark.parametrize("columns", [1, 7, 300])
def test_of_each_column_first_lowest_highest_and_last_are_drawn(columns):
    line = _line(50_000)
    line["step"] = np.random.default_rng(2).integers(0, 9_000, 50_000)  # in no order, several of one step
    chosen = thin(line["step"], line["value"], columns)
    assert len(chosen) <= KEPT * columns
    drawn = line[chosen]
    assert (np.diff(drawn["step"]) >= 0).all()
    sorted_line = line[np.argsort(line["step"], kind="stable")]
    width = (sorted_line["step"][-1] - sorted_line["step"][0]) / columns
    of = np.minimum((sorted_line["step"] - sorted_line["step"][0]) / width, columns - 1).astype(int)
    for column in range(0, columns, max(1, columns // 20)):
        there = sorted_line[of == column]
        for point in (there[0], there[-1], there[there["value"].argmin()], there[there["value"].argmax()]):
            assert point in drawn


def test_few_points_are_all_drawn_in_order():
    chosen = thin(np.array([5, 1, 5, 3]), np.array([1.0, 2.0, 3.0, 4.0]), 10)
    assert chosen.tolist() == [1, 3, 0, 2]


def test_points_of_one_step_make_one_column():
    line = points(np.full(5_000, 3), np.arange(5_000.0), np.zeros(5_000))
    assert sorted(line["value"][thin(line["step"], line["value"], 100)].tolist()) == [0.0, 4_999.0]
    assert line.dtype == POINT
