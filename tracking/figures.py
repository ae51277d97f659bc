"""The part of a run's page that is drawn anew while the training goes on: its curves in pictures, and all of them in figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.utils.translation import gettext as _

from core.charts import LineChart, Mark, line_chart
from core.charts.line_table import figure
from core.components import formatting
from tracking.charting import AT_FIRST, AT_MOST, Kind, Picture, chosen_by, is_learning_rate, kind_of, pictures_of, token_of
from tracking.models import MetricSeries, TrainingRun
from tracking.one_cycle import computed_rate
from tracking.outlines import CurveOutline, line_of, outlines_of
from tracking.standing import marks_of

MOST_ROWS = 500  # of the table of all curves; the API lists all


@dataclass(frozen=True, slots=True)
class View:
    """What the reader asked for in the address: over time instead of steps, losses on a logarithmic scale, which curves."""

    over_time: bool = False
    logarithmic: bool = False
    show: str = ""  # tokens of curves; empty: those drawn at first

    @classmethod
    def asked(cls, query: Mapping[str, str]) -> View:
        return cls(query.get("x") == "time", query.get("scale") == "log", query.get("show", "")[:2_000])

    def address(self, **changes: Any) -> str:
        """The address of this page in another view."""
        view = replace(self, **changes)
        asked = {"x": "time" if view.over_time else "", "scale": "log" if view.logarithmic else "", "show": view.show}
        return f"?{urlencode({name: value for name, value in asked.items() if value}, safe=',')}#figures"


@dataclass(frozen=True, slots=True)
class Group:
    """The pictures of one kind of curves."""

    kind: Kind
    title: str
    charts: list[tuple[str, LineChart]]  # with a name for each

    @property
    def width(self) -> str:
        """The style of its card: one or two pictures leave room for another kind beside them."""
        return {1: "of-1", 2: "of-2"}.get(len(self.charts), "of-many")


@dataclass(frozen=True, slots=True)
class Row:
    """One curve in figures, and the address that draws it too, or no longer."""

    series: MetricSeries
    drawn: bool
    toggle: str
    last: str
    lowest: str
    highest: str


def figures_of(run: TrainingRun, view: View) -> dict[str, Any]:
    """What the template shows, in a constant number of queries however many curves there are."""
    series = list(run.series.order_by("name"))
    drawn = chosen_by(view.show, series)
    outlines = outlines_of(drawn)
    has_times = any(one.last_at for one in series)
    groups = _groups(pictures_of(drawn), outlines, marks_of(run, series), replace(view, over_time=view.over_time and has_times))
    return {
        "groups": groups,
        "rows": [_row(one, drawn, view) for one in series[:MOST_ROWS]],
        "computed_rate": None if any(is_learning_rate(one.name) for one in series) else computed_rate(run),
        "count": len(series),
        "points": sum(one.count for one in series),
        "drawn": len(drawn),
        "choose": len(series) > AT_FIRST,
        "at_most": AT_MOST if len(drawn) == AT_MOST else 0,
        "kinds": _kinds(series, view),
        "axes": [
            (_("Steps"), view.address(over_time=False), not view.over_time),
            (_("Time"), view.address(over_time=True), view.over_time),
        ]
        if has_times
        else [],
        "scales": [
            (_("Linear"), view.address(logarithmic=False), not view.logarithmic),
            (_("Logarithmic"), view.address(logarithmic=True), view.logarithmic),
        ]
        if any(group.kind == Kind.LOSS for group in groups)
        else [],
    }


def _groups(pictures: Sequence[Picture], outlines: Mapping[UUID, CurveOutline], marks: Sequence[Mark], view: View) -> list[Group]:
    charts: dict[Kind, list[tuple[str, LineChart]]] = {}
    for picture in pictures:
        chart = _chart(picture, outlines, marks, view)
        charts.setdefault(picture.kind, []).append((token_of(picture.series[0]), chart))
    return [Group(kind, str(_titles()[kind]), some) for kind, some in charts.items()]


def _titles() -> dict[Kind, str]:
    return {
        Kind.LOSS: _("Loss"),
        Kind.METRIC: _("Metrics"),
        Kind.RATE: _("Learning rate and momentum"),
        Kind.REST: _("Machine and everything else"),
    }


def _chart(picture: Picture, outlines: Mapping[UUID, CurveOutline], marks: Sequence[Mark], view: View) -> LineChart:
    known = [outlines[one.pk] for one in picture.series]
    since = _first_moment(known) if view.over_time else None
    lines = [
        line_of(one, outline, short=short, seconds_since=since)
        for one, outline, short in zip(picture.series, known, picture.short, strict=True)
    ]
    if since is not None:
        marks = [replace(mark, step=at) for mark in marks if (at := _moment_of(mark.step, known[0], since)) is not None]
    return line_chart(
        lines,
        title=picture.measure,
        x_label=_("time since the first point") if since is not None else _("step"),
        y_label=picture.unit or picture.measure,
        marks=marks if picture.kind in {Kind.LOSS, Kind.METRIC} else [mark for mark in marks if mark.kind == "stop"],
        logarithmic=view.logarithmic and picture.kind == Kind.LOSS,
        seconds=since is not None,
    )


def _first_moment(outlines: Sequence[CurveOutline]) -> int | None:
    """Milliseconds since 1970 of the first point of a picture; None where no point has a time."""
    moments = [int(times[times > 0].min()) for one in outlines if ((times := one.finite.kept["time"]) > 0).any()]
    return min(moments) if moments else None


def _moment_of(step: float, outline: CurveOutline, since: int) -> float | None:
    """When a step was reached, in seconds since a moment."""
    kept = outline.finite.kept
    reached = kept[(kept["step"] >= step) & (kept["time"] > 0)]
    return float(reached["time"].min() - since) / 1000 if len(reached) else None


def _row(series: MetricSeries, drawn: Sequence[MetricSeries], view: View) -> Row:
    is_drawn = series in drawn
    others = [token_of(one) for one in drawn if one.pk != series.pk]
    toggled = others if is_drawn else [*others, token_of(series)]
    return Row(
        series=series,
        drawn=is_drawn,
        toggle=view.address(show=",".join(toggled)),
        last=_value(series.last_value, series.last_step),
        lowest=_value(series.lowest_value, series.lowest_step),
        highest=_value(series.highest_value, series.highest_step),
    )


def _value(value: float | None, step: int | None) -> str:
    if value is None:
        return "–"
    return _("%(value)s, step %(step)s") % {"value": figure(value), "step": formatting.number(step)}


def _kinds(series: Sequence[MetricSeries], view: View) -> list[tuple[str, int, str]]:
    """For each kind of curves how many there are, and the address that draws all of them."""
    of_kind = {kind: [one for one in series if kind_of(one.name) == kind] for kind in Kind}
    return [
        (str(_titles()[kind]), len(some), view.address(show=",".join(token_of(one) for one in some[:AT_MOST])))
        for kind, some in of_kind.items()
        if some
    ]
