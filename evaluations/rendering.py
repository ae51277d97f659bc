"""Charts of a run: from the rows that the child measured to pictures in both themes, drawn outside any act."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from core.charts import Chart, ChartsFailed, Limit, draw, figure_of

log = logging.getLogger(__name__)


def render(charts: Sequence[Mapping[str, Any]], thresholds: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Each chart drawn, with the threshold of its measure as a line.

    A chart that cannot be drawn is left out and logged: the numbers count, and they stand in the run without it.
    """
    figures = [figure_of(chart, limit=_limit(chart, thresholds)) for chart in charts]
    try:
        return draw(figures)
    except ChartsFailed as failure:
        log.warning("The charts of a run were not drawn: %s", failure)
        return []


def _limit(chart: Mapping[str, Any], thresholds: Sequence[Mapping[str, Any]]) -> Limit | None:
    """The threshold that holds for every bar: on the measure that the chart shows, whatever the label."""
    for threshold in thresholds:
        shown = (chart.get("check"), chart.get("metric", "")) == (threshold["check"], threshold["metric"])
        if threshold["label"] == "*" and shown:
            return Limit(threshold["minimum"]) if "minimum" in threshold else Limit(threshold["maximum"], is_minimum=False)
    return None
