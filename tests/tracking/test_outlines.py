"""Outlines in the cache say what the database says, whatever was added in between and however it came."""

from __future__ import annotations

import math

import numpy as np
import pytest
from django.core.cache import cache

from measures.outline import KEPT, MOST_BLOCKS
from tracking import services
from tracking.models import MetricSeries
from tracking.outlines import CurveOutline, key_of, line_of, outlines_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(team, scientist):
    return services.start_run(team, by=scientist, name="digits cnn")


def _log(run, by, values, *, first=0, name="loss", times=None):
    texts = ["NaN" if math.isnan(v) else ("-" if v < 0 else "") + "Infinity" if math.isinf(v) else float(v) for v in values]
    steps = list(range(first, first + len(texts)))
    services.log(run, by=by, series=[{"name": name, "steps": steps, "values": texts, **({"times": times} if times else {})}])


def _outline(run, name="loss"):
    series = MetricSeries.objects.get(run=run, name=name)
    return series, outlines_of([series])[series.pk]


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [1000, 24, 1], [1023, 1, 1, 5000], [3, 70_000, 2], [1024, 1024, 1]])
def test_what_is_added_in_between_is_in_the_next_outline(started, scientist, sizes):
    values, first = np.random.default_rng(0).normal(size=sum(sizes)), 0
    for size in sizes:
        _log(started, scientist, values[first : first + size], first=first)
        first += size
        series, outline = _outline(started)
        assert outline.count == series.count == first
        assert CurveOutline.from_bytes(outline.to_bytes()).to_bytes() == outline.to_bytes()
    whole = MetricSeries.objects.get(run=started)
    cache.delete(key_of(whole.pk))
    assert outlines_of([whole])[whole.pk].to_bytes() == outline.to_bytes()
    assert {values.min(), values.max()} <= set(outline.finite.kept["value"].tolist())
    assert len(outline.finite.kept) <= KEPT * MOST_BLOCKS + outline.finite.block


def test_only_what_was_added_is_read(started, scientist, django_assert_num_queries):
    _log(started, scientist, range(5000))
    series, before = _outline(started)
    with django_assert_num_queries(0):
        assert outlines_of([series])[series.pk].count == 5000
    _log(started, scientist, range(10), first=5000)
    series.refresh_from_db()
    with django_assert_num_queries(1):
        after = outlines_of([series])[series.pk]
    assert after.place == before.place + 1 and after.before == 5000 and after.count == 5010


@pytest.mark.parametrize("many", [1, 30])
def test_however_many_curves_cost_one_query(started, scientist, django_assert_num_queries, many):
    for place in range(many):
        _log(started, scientist, range(50), name=f"m{place}")
    series = list(started.series.all())
    with django_assert_num_queries(1):
        found = outlines_of(series)
    assert [found[one.pk].count for one in series] == [50] * many


def test_values_that_are_no_numbers_are_kept_apart_and_come_back_in_the_line(started, scientist):
    _log(started, scientist, [1.0, math.nan, 3.0, math.inf, 5.0])
    series, outline = _outline(started)
    assert (outline.finite.count, outline.broken.count) == (3, 2)
    line = line_of(series, outline, short="")
    assert line.steps == [0, 1, 2, 3, 4] and line.missing == 2
    assert math.isnan(line.values[1]) and math.isinf(line.values[3])


def test_a_line_over_time_leaves_out_what_has_no_time(started, scientist):
    _log(started, scientist, [1.0, 2.0], times=[10_000, 12_500])
    _log(started, scientist, [3.0], first=2)
    series, outline = _outline(started)
    line = line_of(series, outline, short="", seconds_since=10_000)
    assert line.steps == [0.0, 2.5] and line.values == [1.0, 2.0]


def test_a_peak_among_a_hundred_thousand_points_is_drawn(started, scientist):
    values = np.zeros(100_000)
    values[31_415] = 9.0
    _log(started, scientist, values)
    series, outline = _outline(started)
    line = line_of(series, outline, short="")
    assert line.values[line.steps.index(31_415)] == 9.0
    assert len(line.steps) < 1500 and line.count == 100_000
