"""Lines over steps: training curves, learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.charts.figure import Figure, Table
from core.charts.look import DASHES, WIDTH, Palette, frame

MOST_SERIES = 6  # lines that can be told apart
MOST_POINTS = 1000  # of a line in the picture
MOST_TABLE_ROWS = 200


def lines(
    *,
    name: str,
    title: str,
    description: str,
    rows: Sequence[Mapping[str, Any]],
    x_title: str,
    y_title: str,
    zero: bool = False,
    logarithmic: bool = False,
) -> Figure:
    """Lines from rows {series, x, y}; a y that is not finite leaves a gap. Each series has its own colour and dash.

    More than six series are refused: nobody can tell them apart. Long lines are thinned in picture and table, ends kept.
    """
    names = list(dict.fromkeys(str(row["series"]) for row in rows))
    if len(names) > MOST_SERIES:
        raise ValueError(f"{len(names)} lines cannot be told apart; draw at most {MOST_SERIES} in one chart.")

    def spec(p: Palette) -> dict[str, Any]:
        return _spec(p, rows, names, x_title=x_title, y_title=y_title, zero=zero, logarithmic=logarithmic)

    return Figure(name, title, description, spec, _table(rows, names, x_title))


def _finite(y: Any, *, logarithmic: bool = False) -> float | None:
    return float(y) if y is not None and math.isfinite(y) and not (logarithmic and y <= 0) else None


def _thinned(rows: list[Any], most: int) -> list[Any]:
    """At most `most` of the rows at even distances, with the first and the last."""
    if len(rows) <= most:
        return rows
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _spec(
    p: Palette,
    rows: Sequence[Mapping[str, Any]],
    names: list[str],
    *,
    x_title: str,
    y_title: str,
    zero: bool,
    logarithmic: bool,
) -> dict[str, Any]:
    values = []
    for series in names:
        points = sorted((row for row in rows if str(row["series"]) == series), key=lambda row: row["x"])
        values += [
            {"series": series, "x": row["x"], "y": _finite(row["y"], logarithmic=logarithmic)}
            for row in _thinned(points, MOST_POINTS)
        ]
    few = len(values) <= 40 * max(len(names), 1)
    scale = {"domain": names}
    legend = {"title": None, "orient": "top", "direction": "horizontal", "columns": 3, "offset": 8} if len(names) > 1 else None
    colour = {"field": "series", "type": "nominal", "scale": {**scale, "range": list(p.series[: len(names)])}, "legend": legend}
    dash = {
        "field": "series",
        "type": "nominal",
        "scale": {**scale, "range": [list(one) for one in DASHES[: len(names)]]},
        "legend": legend,
    }
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"zero": False, "nice": False, "padding": 6},
        "axis": {"title": x_title, "grid": False, "tickCount": 7, "format": ",.6~f", "labelFlush": True},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "scale": {"zero": zero, "nice": True, "type": "log" if logarithmic else "linear"},
        "axis": {"title": y_title, "domain": False, "ticks": False, "tickCount": 5, "format": ",.6~g"},
    }
    return frame(
        p,
        {
            "width": WIDTH,
            "height": 300,
            "autosize": {"type": "fit", "contains": "padding"},
            "data": {"values": values},
            "layer": [
                {
                    "mark": {"type": "line", "strokeWidth": 2.5, "interpolate": "linear"},
                    "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash},
                },
                *(
                    [
                        {
                            "mark": {"type": "point", "filled": True, "size": 30, "opacity": 1},
                            "encoding": {"x": x, "y": y, "color": {**colour, "legend": None}},
                        }
                    ]
                    if few
                    else []
                ),
            ],
        },
    )


def _table(rows: Sequence[Mapping[str, Any]], names: list[str], x_title: str) -> Table:
    by_x: dict[Any, dict[str, float | None]] = {}
    for row in rows:
        by_x.setdefault(row["x"], {})[str(row["series"])] = _finite(row["y"])
    steps = _thinned(sorted(by_x), MOST_TABLE_ROWS)

    def cell(value: float | None) -> str:
        return "–" if value is None else f"{value:.5g}"

    return Table([x_title, *names], [[f"{x:g}", *(cell(by_x[x].get(one)) for one in names)] for x in steps])
