"""Bars with intervals, a limit to hold them against, and every number written beside its bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.charts.figure import Figure, Limit, Table
from core.charts.look import TEXT, WIDTH, Palette, blend, frame
from core.quantities import between, scale_of, write, write_exactly

MOST = 40  # bars; beyond, the lowest are drawn and the table has all
STEP = 30  # pixels a bar
_VALUE, _SIZE = 112, 88  # pixels for the two columns of numbers to the right of the bars


def bars(
    *,
    name: str,
    title: str,
    description: str,
    rows: Sequence[Mapping[str, Any]],
    x_title: str,
    y_title: str,
    unit: str = "proportion",
    limit: Limit | None = None,
    mark_title: str = "",
    greatest: float | None = None,
    rows_title: str = "",
) -> Figure:
    """Horizontal bars from rows {label, value, low, high, n, mark?}; low or high may be None, n = 0 means nothing is known.

    Each bar says by colour and by sign how it stands to `limit`: below it (▼), not settled (?), or met.
    """
    shown = list(rows)
    if len(shown) > MOST:
        shown = sorted(shown, key=lambda row: (row["n"] > 0, row["value"]))[:MOST]
        description += " " + _("The picture shows the %(shown)d lowest of %(all)d; the table has all.") % {
            "shown": MOST,
            "all": len(rows),
        }
    ends = [row["value"] for row in shown] + [row["high"] for row in shown if row.get("high") is not None and row["n"] > 0]
    top = greatest if greatest is not None else 1.0 if unit == "proportion" and max(ends, default=1.0) > 0.5 else None
    if top is None:
        top = max([*ends, limit.value if limit else 0.0]) * 1.08 or 1.0

    def spec(p: Palette) -> dict[str, Any]:
        return _spec(p, shown, unit=unit, top=top, limit=limit, mark_title=mark_title, x_title=x_title, y_title=y_title)

    table = _table(rows, y_title=y_title, x_title=x_title, unit=unit, mark_title=mark_title, rows_title=rows_title, limit=limit)
    return Figure(name, title, description, spec, table)


def _standing(row: Mapping[str, Any], limit: Limit | None) -> str:
    if row["n"] <= 0:
        return "unknown"
    if limit is None:
        return "plain"
    low, high = row.get("low"), row.get("high")
    if limit.is_minimum:
        if low is not None and low >= limit.value:
            return "met"
        return "missed" if high is not None and high < limit.value else "open"
    if high is not None and high <= limit.value:
        return "met"
    return "missed" if low is not None and low > limit.value else "open"


_SIGNS = {"missed": "▼", "open": "?", "met": "", "plain": "", "unknown": ""}


def _spec(
    p: Palette,
    rows: list[Mapping[str, Any]],
    *,
    unit: str,
    top: float,
    limit: Limit | None,
    mark_title: str,
    x_title: str,
    y_title: str,
) -> dict[str, Any]:
    factor, behind, _decimals = scale_of(unit, at=top)
    labels = min(200, 10 + round(8.5 * max((_breadth(str(row["label"])) for row in rows), default=1)))  # pixels
    room = WIDTH - labels - 36 - _VALUE - _SIZE  # what the bars get
    y: dict[str, Any] = {
        "field": "label",
        "type": "nominal",
        "sort": None,
        "axis": {
            "title": y_title,
            "ticks": False,
            "domain": False,
            "labelColor": p.ink,
            "grid": False,
            "minExtent": labels,
            "maxExtent": labels,
            "labelLimit": labels,
        },
        "scale": {"paddingInner": 0.3, "paddingOuter": 0.15},
    }
    x: dict[str, Any] = {
        "field": "value",
        "type": "quantitative",
        "scale": {"domain": [0, top * factor], "nice": False, "clamp": True},
        "axis": {
            "title": f"{x_title}, {behind.strip()}" if behind.strip() else x_title,
            "titleAnchor": "start",
            "values": _ticks(top * factor),
            "format": ",.6~f",
            "domain": False,
            "ticks": False,
        },
    }
    bounded = {"filter": "isValid(datum.low) && isValid(datum.high)"}
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "isValid(datum.value)"}],
            "mark": {"type": "bar", "cornerRadiusEnd": 2},
            "encoding": {"x": x, "y": y, "color": {"field": "colour", "type": "nominal", "scale": None}},
        },
        {
            "transform": [bounded],
            "mark": {"type": "rule", "stroke": p.ink, "strokeWidth": 1.5},
            "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y},
        },
        *(
            {
                "transform": [bounded],
                "mark": {"type": "tick", "orient": "vertical", "size": 11, "thickness": 1.5, "color": p.ink},
                "encoding": {"x": {**x, "field": end}, "y": y},
            }
            for end in ("low", "high")
        ),
        _column(y, room + 12, "text", color=p.ink),
        _column(y, room + _VALUE, "size", color=p.muted),
        _edge(y, room + _VALUE + _SIZE),
    ]
    if mark_title:
        point = {"type": "point", "shape": "diamond", "filled": True, "size": 100, "opacity": 1}
        layers.append(
            {
                "transform": [{"filter": "isValid(datum.mark)"}],
                "mark": {**point, "color": p.ink, "stroke": p.surface, "strokeWidth": 1.5},
                "encoding": {"x": {**x, "field": "mark"}, "y": y},
            }
        )
    if limit is not None and limit.value <= top:
        layers += _limit_layers(p, limit, unit, x, factor)
    return frame(
        p,
        {
            "width": room,
            "height": {"step": STEP},
            "title": {"text": _key(mark_title, limit), "frame": "bounds", "offset": 34 if limit else 14},
            "data": {"values": _values(p, rows, unit=unit, top=top, limit=limit)},
            "layer": layers,
        },
    )


def _values(p: Palette, rows: list[Mapping[str, Any]], *, unit: str, top: float, limit: Limit | None) -> list[dict[str, Any]]:
    """The rows as the picture needs them: in the unit of the axis, with their colour, sign and words."""
    factor = scale_of(unit, at=top)[0]
    full = {"met": p.accent, "plain": p.accent, "open": p.warn, "missed": p.bad, "unknown": p.muted}

    def inside(number: float | None) -> float | None:
        return None if number is None else min(max(number, 0.0), top) * factor

    values = []
    for row in rows:
        standing, known = _standing(row, limit), row["n"] > 0
        sign = "▲" if standing == "missed" and limit is not None and not limit.is_minimum else _SIGNS[standing]
        values.append(
            {
                "label": str(row["label"]),
                "value": inside(row["value"]) if known else None,
                "low": inside(row.get("low")) if known else None,
                "high": inside(row.get("high")) if known else None,
                "mark": inside(row.get("mark")),
                "colour": blend(p.surface, full[standing], p.tint),
                "text": f"{write(row['value'], unit)} {sign}".strip() if known else _("not known"),
                "size": f"n = {row['n']:,}",
            }
        )
    return values


def _breadth(text: str) -> float:
    """About how many Latin letters wide a text is: those of East Asia are wider."""
    return sum(1.8 if ord(letter) > 0x1100 else 1.0 for letter in text)


def _column(y: dict[str, Any], at: float, field: str, *, color: str) -> dict[str, Any]:
    return {
        "mark": {"type": "text", "align": "left", "baseline": "middle", "fontSize": TEXT, "color": color},
        "encoding": {"x": {"value": at}, "y": y, "text": {"field": field, "type": "nominal"}},
    }


def _edge(y: dict[str, Any], at: float) -> dict[str, Any]:
    """Nothing to see; keeps all bar charts equally wide, whatever their texts."""
    return {"mark": {"type": "point", "opacity": 0, "size": 1}, "encoding": {"x": {"value": at}, "y": y}}


def _limit_layers(p: Palette, limit: Limit, unit: str, x: dict[str, Any], factor: float) -> list[dict[str, Any]]:
    at = {"datum": limit.value * factor, "type": "quantitative", "scale": x["scale"], "axis": x["axis"]}
    words = {"limit": write_exactly(limit.value, unit)}
    text = _("minimum %(limit)s") % words if limit.is_minimum else _("maximum %(limit)s") % words
    return [
        {"mark": {"type": "rule", "stroke": p.bad, "strokeWidth": 1.5, "strokeDash": [5, 3]}, "encoding": {"x": at}},
        {
            "data": {"values": [{}]},
            "mark": {"type": "text", "color": p.bad, "fontSize": TEXT, "baseline": "bottom", "dy": -4, "align": "center"},
            "encoding": {"x": at, "y": {"value": 0}, "text": {"value": text}},
        },
    ]


def _key(mark_title: str, limit: Limit | None) -> str:
    parts = [_("Line: 95 % interval"), _("n: rows behind the number")]
    if mark_title:
        parts.append(f"◆ {mark_title}")
    if limit is not None:
        parts += [_("▼ missed") if limit.is_minimum else _("▲ missed"), _("? not settled")]
    return " · ".join(parts)


def _ticks(top: float) -> list[float]:
    """Round steps from 0 to at most `top`, about five."""
    for exponent in range(-6, 13):
        for base in (1.0, 2.0, 2.5, 5.0):
            step = base * 10.0**exponent
            if top / step <= 5.0 + 1e-9:
                return [round(i * step, 9) for i in range(int(top / step + 1e-9) + 1)]
    return [0.0, top]


def _table(
    rows: Sequence[Mapping[str, Any]],
    *,
    y_title: str,
    x_title: str,
    unit: str,
    mark_title: str,
    rows_title: str,
    limit: Limit | None,
) -> Table:
    columns = [y_title, x_title, _("95 % interval"), *([mark_title] if mark_title else []), rows_title or _("Rows")]
    words = {
        "met": _("met"),
        "open": _("not settled"),
        "missed": _("missed"),
        "unknown": _("not known"),
        "plain": "",
    }
    if limit is not None:
        text = write_exactly(limit.value, unit)
        columns.append(_("Minimum %(limit)s") % {"limit": text} if limit.is_minimum else _("Maximum %(limit)s") % {"limit": text})
    cells = []
    for row in rows:
        known = row["n"] > 0
        line = [
            str(row["label"]),
            write(row["value"], unit) if known else _("not known"),
            between(write(row.get("low"), unit, bare=True), write(row.get("high"), unit)) if known else "–",
        ]
        if mark_title:
            line.append(write(row.get("mark"), unit))
        line.append(f"{row['n']:,}")
        if limit is not None:
            line.append(words[_standing(row, limit)])
        cells.append(line)
    return Table(columns, cells)
