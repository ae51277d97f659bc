"""Values over time, each series in a small panel of its own with the limits between which it should stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core.charts.figure import Figure, Table
from core.charts.look import SMALL, WIDTH, Palette, frame
from core.quantities import scale_of, write

MOST_PANELS = 20
COLUMNS = 2
_PANEL = (WIDTH - 74) // COLUMNS  # pixels, what axes and gaps leave


def timeline(
    *,
    name: str,
    title: str,
    description: str,
    rows: Sequence[Mapping[str, Any]],
    x_title: str,
    y_title: str,
    series_title: str,
    unit: str = "proportion",
) -> Figure:
    """Panels from rows {series, x, value, low, high, reference?, n}: x is an RFC 3339 moment (shown in UTC) or a short name.

    `low` and `high` are the limits; a value outside them is a red triangle. Panels with such values come first; beyond 20
    series the rest stands in the table only.
    """

    def outside(row: Mapping[str, Any]) -> bool:
        return not row["low"] <= row["value"] <= row["high"]

    order = list(dict.fromkeys(str(row["series"]) for row in rows))
    shown = order
    if len(order) > MOST_PANELS:
        alarming = {str(row["series"]) for row in rows if outside(row)}
        shown = sorted(order, key=lambda one: one not in alarming)[:MOST_PANELS]
        description += " " + _("The picture shows %(shown)d of %(all)d; the table has all.") % {
            "shown": MOST_PANELS,
            "all": len(order),
        }

    def spec(p: Palette) -> dict[str, Any]:
        return _spec(p, rows, shown, outside, unit=unit, x_title=x_title, y_title=y_title, series_title=series_title)

    cells = [
        [
            _moment(row["x"]),
            str(row["series"]),
            write(row["value"], unit),
            f"{write(row['low'], unit, bare=True)}–{write(row['high'], unit)}",
            f"{row['n']:,}",
            _("outside") if outside(row) else _("within"),
        ]
        for row in rows
    ]
    columns = [x_title, series_title, y_title, _("Limits"), _("Rows"), _("State")]
    return Figure(name, title, description, spec, Table(columns, cells))


def _is_moment(x: Any) -> bool:
    try:
        return datetime.fromisoformat(str(x)).tzinfo is not None
    except ValueError:
        return False


def _moment(x: Any) -> str:
    return datetime.fromisoformat(str(x)).strftime("%Y-%m-%d %H:%M") if _is_moment(x) else str(x)


def _spec(
    p: Palette,
    rows: Sequence[Mapping[str, Any]],
    shown: list[str],
    outside: Any,
    *,
    unit: str,
    x_title: str,
    y_title: str,
    series_title: str,
) -> dict[str, Any]:
    factor, behind, _decimals = scale_of(unit)
    drawn = [row for row in rows if str(row["series"]) in set(shown)]
    values = [
        {
            "series": f"{series_title} {row['series']}",
            "x": str(row["x"]),
            "value": row["value"] * factor,
            "low": row["low"] * factor,
            "high": row["high"] * factor,
            "reference": (row["low"] + row["high"]) / 2 * factor if row.get("reference") is None else row["reference"] * factor,
            "colour": p.bad if outside(row) else p.accent,
            "shape": "triangle-up" if outside(row) else "circle",
            "size": 130 if outside(row) else 55,
        }
        for row in drawn
    ]
    moments = bool(values) and all(_is_moment(row["x"]) for row in drawn)
    if moments:
        kind: dict[str, Any] = {"type": "temporal", "scale": {"type": "utc", "padding": 10}}
        stamps = sorted(datetime.fromisoformat(str(row["x"])) for row in drawn)
        short = (stamps[-1] - stamps[0]).total_seconds() < 36 * 3600
        axis: dict[str, Any] = {"format": "%H:%M" if short else "%d %b", "tickCount": 3}
    else:
        kind, axis = {"type": "ordinal", "sort": None}, {"labelAngle": 0}
    x = {"field": "x", **kind, "axis": {**axis, "title": None, "grid": False, "labelFontSize": SMALL, "labelOverlap": True}}
    y = {
        "field": "value",
        "type": "quantitative",
        "scale": {"zero": True, "nice": True},
        "axis": {"title": None, "tickCount": 3, "domain": False, "ticks": False, "labelFontSize": SMALL, "minExtent": 32},
    }
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "area", "color": p.band}, "encoding": band},
        {"mark": {"type": "rule", "color": p.band, "strokeWidth": 8}, "encoding": band},  # so that one moment has a band too
        {
            "mark": {"type": "line", "color": p.muted, "strokeWidth": 1.5, "strokeDash": [4, 3]},
            "encoding": {"x": x, "y": {**y, "field": "reference"}},
        },
        {"mark": {"type": "line", "color": p.muted, "strokeWidth": 1.5}, "encoding": {"x": x, "y": y}},
        {
            "mark": {"type": "point", "filled": True, "opacity": 1, "stroke": p.surface, "strokeWidth": 1},
            "encoding": {
                "x": x,
                "y": y,
                "color": {"field": "colour", "type": "nominal", "scale": None},
                "shape": {"field": "shape", "type": "nominal", "scale": None},
                "size": {"field": "size", "type": "quantitative", "scale": None},
            },
        },
    ]
    measure = f"{y_title}, {behind.strip()}" if behind.strip() else y_title
    when = _("times in UTC") if moments else x_title
    return frame(
        p,
        {
            "title": {"text": f"{measure} · {when} · " + _("band: limits · dashed: reference · ▲ outside")},
            "data": {"values": values},
            "facet": {
                "field": "series",
                "type": "nominal",
                "sort": [f"{series_title} {one}" for one in shown],
                "header": {"title": None, "labelAnchor": "start"},
            },
            "columns": COLUMNS,
            "spacing": {"row": 18, "column": 26},
            "spec": {"width": _PANEL, "height": 84, "layer": layers},
        },
    )
