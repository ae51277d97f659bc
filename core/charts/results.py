"""From a chart in an evaluation's result (rows, no picture) to a figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.charts.bars import bars
from core.charts.figure import Figure, Limit
from core.charts.heat import heat
from core.charts.lines import lines
from core.charts.matrix import matrix
from core.charts.reliability import reliability
from core.errors import InvalidInput


def figure_of(chart: Mapping[str, Any], *, limit: Limit | None = None) -> Figure:
    """The figure of `{"name", "title", "kind", "rows", "columns", "description", ...}`; `limit` is drawn on bars."""
    titles = {column["key"]: column["title"] for column in chart["columns"]}
    common: dict[str, Any] = {key: chart[key] for key in ("name", "title", "description", "rows")}
    if chart["kind"] == "bars":
        return bars(
            **common,
            unit=chart.get("unit", "proportion"),
            x_title=chart.get("x_title", titles["value"]),
            y_title=chart.get("y_title", titles["label"]),
            mark_title=chart.get("mark_title", ""),
            rows_title=titles["n"],
            limit=limit,
        )
    if chart["kind"] == "matrix":
        return matrix(**common, categories=chart["categories"], x_title=titles["predicted"], y_title=titles["truth"])
    if chart["kind"] == "heat":
        return heat(**common, x_title=titles["column"], y_title=titles["row"], value_title=titles["value"])
    if chart["kind"] == "lines":
        return lines(**common, x_title=chart.get("x_title", titles["x"]), y_title=chart.get("y_title", titles["y"]))
    if chart["kind"] == "reliability":
        return reliability(**common, x_title=titles["p"], y_title=titles["observed"])
    raise InvalidInput(f"A chart of the kind {chart['kind']!r} cannot be drawn.")
