"""A comparison as its page shows it: letters for the runs, bounded rows, and curves over each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.charts import LineChart, line_chart
from core.charts.line_table import figure
from tracking.comparing.gathering import Comparison
from tracking.comparing.measuring import Cell, Direction, MetricRow
from tracking.comparing.rows import Sides
from tracking.models import TrainingRun
from tracking.outlines import line_of, outlines_of

MOST_ROWS = 300  # of each part; the API has all
MOST_PICTURES = 6
LETTERS = "ABCDEFGH"


@dataclass(frozen=True, slots=True)
class Part:
    """Names side by side, cut where there are too many; `left_out` says how many are not shown."""

    sides: Sides
    left_out: int


def part_of(whole: Sides) -> Part:
    shown = Sides(whole.differing[:MOST_ROWS], whole.equal[:MOST_ROWS])
    return Part(shown, len(whole.differing) + len(whole.equal) - len(shown.differing) - len(shown.equal))


@dataclass(frozen=True, slots=True)
class Figures:
    """One run's figures of a metric as texts."""

    last: str
    last_step: str
    best: str
    best_step: str
    leads: bool
    not_finite: int


@dataclass(frozen=True, slots=True)
class Metric:
    row: MetricRow
    figures: list[Figures | None]
    turns: list[tuple[Direction, str]]  # the addresses of this page with another direction
    drawn: bool
    toggle: str  # the address of this page that draws its curve, or no longer


def metrics_of(comparison: Comparison, query: QueryDict) -> tuple[list[Metric], int]:
    """The metrics with their addresses, and how many are left out."""
    drawn = drawn_names(comparison, query)
    rows = comparison.metrics[:MOST_ROWS]
    return [
        Metric(
            row,
            [_figures(cell) if cell else None for cell in row.cells],
            _turns(query, row),
            row.name in drawn,
            _toggled(query, row.name, drawn),
        )
        for row in rows
    ], len(comparison.metrics) - len(rows)


def _figures(cell: Cell) -> Figures:
    best = "" if cell.best is None else figure(cell.best)
    step = "" if cell.best_step is None else f"{cell.best_step:,}"
    return Figures(figure(cell.last), f"{cell.last_step:,}", best, step, cell.leads, cell.not_finite)


def _turns(query: QueryDict, row: MetricRow) -> list[tuple[Direction, str]]:
    found = []
    for other in Direction:
        if other is not row.direction:
            changed = query.copy()
            for word in Direction:
                changed.setlist(word, [name for name in query.getlist(word) if name != row.name])
            changed.appendlist(other, row.name)
            found.append((other, f"?{changed.urlencode()}#metrics"))
    return found


def _toggled(query: QueryDict, name: str, drawn: Sequence[str]) -> str:
    changed = query.copy()
    changed.setlist("curve", [one for one in drawn if one != name] if name in drawn else [*drawn, name])
    if not changed.getlist("curve"):
        changed["curve"] = ""  # none, rather than those that are drawn at first
    return f"?{changed.urlencode()}#curves"


def drawn_names(comparison: Comparison, query: QueryDict) -> list[str]:
    """The metrics whose curves are drawn: those chosen, or the first that have more than one point."""
    known = [row.name for row in comparison.metrics]
    if "curve" in query:
        return [name for name in dict.fromkeys(query.getlist("curve")) if name in known][:MOST_PICTURES]
    long = [row.name for row in comparison.metrics if any(cell and cell.count > 1 for cell in row.cells)]
    return long[:MOST_PICTURES]


def charts_of(comparison: Comparison, names: Sequence[str]) -> list[tuple[str, LineChart]]:
    """For each metric a picture with the curves of all runs that have it, each under its letter."""
    of_run = [{one.name: one for one in run.series.all()} for run in comparison.runs]
    wanted = [(name, place, series[name]) for name in names for place, series in enumerate(of_run) if name in series]
    outlines = outlines_of([series for _name, _place, series in wanted])
    charts = []
    for number, name in enumerate(names):
        lines = [
            replace(
                line_of(series, outlines[series.pk], short=LETTERS[place]),
                label=f"{LETTERS[place]} {comparison.runs[place].name[:32]}",
            )
            for known, place, series in wanted
            if known == name
        ]
        unit = next((series.unit for known, _place, series in wanted if known == name and series.unit), "")
        charts.append((f"compared-{number}", line_chart(lines, x_label=_("step"), y_label=unit or name, title=name)))
    return charts


def titled(runs: Sequence[TrainingRun], query: QueryDict) -> list[dict[str, Any]]:
    """The runs with their letters, and the address of the comparison without each."""
    found = []
    for letter, run in zip(LETTERS, runs, strict=False):
        rest = query.copy()
        rest.setlist("run", [str(other.pk) for other in runs if other.pk != run.pk])
        found.append({"letter": letter, "run": run, "without": f"?{rest.urlencode()}" if len(runs) > 2 else ""})
    return found
