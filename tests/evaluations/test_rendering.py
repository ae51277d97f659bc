"""The charts of a run carry the threshold that holds for what they show, and no other."""

from __future__ import annotations

import pytest

from evaluations.rendering import render

ROWS = [{"label": "8", "value": 0.9, "low": 0.8, "high": 0.95, "n": 60}]
TITLES = {"label": "Class", "value": "Recall", "low": "Low", "high": "High", "n": "Rows"}
CHART = {
    "name": "recall",
    "title": "Recall",
    "kind": "bars",
    "columns": [{"key": key, "title": title} for key, title in TITLES.items()],
    "rows": ROWS,
    "description": "Recall of each class.",
    "check": "performance",
    "metric": "recall",
}
LINE = {"check": "performance", "metric": "recall", "label": "*", "bound": "lower", "minimum": 0.85}


@pytest.mark.parametrize(
    ("line", "drawn"),
    [
        ({}, True),
        ({"metric": "rec"}, False),
        ({"check": "slices"}, False),
        ({"label": "8"}, False),
        ({"metric": "precision"}, False),
    ],
)
def test_the_threshold_on_the_measure_of_a_chart_is_drawn(line, drawn):
    (chart,) = render([CHART], [{**LINE, **line}])
    assert (b"minimum 85 %" in chart.light) is drawn and (chart.table.columns[-1] == "Minimum 85 %") is drawn
