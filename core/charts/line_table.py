"""The numbers of a line chart as a table: exact points, all of them or a choice that has both ends and both extremes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.utils.translation import gettext as _

from core.charts.figure import Line, Table

MOST_ROWS = 60


def table_of(series: Sequence[Line], x_label: str, *, seconds: bool) -> Table:
    """One row for each x with a column for each line where that gives few rows; else a row for each of the points chosen."""
    places = sorted({x for line in series for x in line.steps}) if sum(len(line.steps) for line in series) <= 4096 else []
    one_each = all(len(set(line.steps)) == len(line.steps) for line in series)
    if 0 < len(places) <= MOST_ROWS and one_each:
        by_place = [dict(zip(line.steps, line.values, strict=True)) for line in series]
        rows = [
            [position(x, seconds=seconds), *(figure(points[x]) if x in points else "–" for points in by_place)] for x in places
        ]
        return Table([x_label, *(line.label for line in series)], rows)
    most = max(4, MOST_ROWS // max(1, len(series)))
    rows = [
        [line.label, position(line.steps[place], seconds=seconds), figure(line.values[place])]
        for line in series
        for place in _chosen(line, most)
    ]
    return Table([_("Line"), x_label, _("Value")], rows)


def figure(value: float) -> str:
    """Six significant digits: enough to read; the API has all of them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.6g}".replace("-", "−")


def position(x: float, *, seconds: bool) -> str:
    """A step as a whole number, or seconds with one decimal."""
    return f"{x:,.1f}" if seconds else f"{round(x):,}"


def _chosen(line: Line, most: int) -> list[int]:
    count = len(line.steps)
    if count <= most:
        return list(range(count))
    finite = [place for place, value in enumerate(line.values) if math.isfinite(value)]
    extremes = {pick(finite, key=lambda place: line.values[place]) for pick in (min, max)} if finite else set()
    even = {round(place * (count - 1) / (most - 3)) for place in range(most - 2)}
    return sorted(even | extremes)
