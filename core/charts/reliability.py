"""How often something happened against the probability given to it: a curve, the diagonal, the band of a calibrated model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.charts.figure import Figure, Table
from core.charts.look import WIDTH, Palette, blend, frame
from core.quantities import write

_AXIS = 84  # pixels left of both pictures
_HEIGHT, _STRIP = 320, 56


def reliability(
    *, name: str, title: str, description: str, rows: Sequence[Mapping[str, Any]], x_title: str, y_title: str
) -> Figure:
    """A curve from rows {p, observed, low, high, n}, all shares but `n`; below it, how many rows lie where."""

    def spec(p: Palette) -> dict[str, Any]:
        return _spec(p, rows, x_title=x_title, y_title=y_title)

    columns = [x_title, y_title, _("If calibrated"), _("Rows")]
    cells = [
        [
            write(row["p"], "proportion"),
            write(row["observed"], "proportion"),
            f"{write(row['low'], 'proportion', bare=True)}–{write(row['high'], 'proportion')}",
            f"{row['n']:,}",
        ]
        for row in rows
    ]
    return Figure(name, title, description, spec, Table(columns, cells))


def _spec(p: Palette, rows: Sequence[Mapping[str, Any]], *, x_title: str, y_title: str) -> dict[str, Any]:
    values = [{key: row[key] * 100 for key in ("p", "observed", "low", "high")} | {"n": row["n"]} for row in rows]
    ends = [0, 100]
    shown: dict[str, Any] = {"values": [0, 20, 40, 60, 80, 100], "domain": False, "ticks": False}
    scale = {"domain": ends, "nice": False}
    x = {"field": "p", "type": "quantitative", "scale": scale, "axis": {**shown, "title": None, "labels": False}}
    y = {"field": "observed", "type": "quantitative", "scale": scale}
    left = {"minExtent": _AXIS - 24, "maxExtent": _AXIS - 24}
    step = (values[1]["p"] - values[0]["p"]) / 2 if len(values) > 1 else 1.0
    bars = [{"from": max(0.0, v["p"] - step * 0.8), "to": min(100.0, v["p"] + step * 0.8), "n": v["n"]} for v in values]
    most = max(v["n"] for v in values)
    curve = {
        "width": WIDTH - _AXIS - 16,
        "height": _HEIGHT,
        "title": {"text": _("Band: where a calibrated model would lie · dashed: exactly as said"), "frame": "bounds"},
        "layer": [
            {
                "mark": {"type": "area", "color": p.band, "opacity": 1, "line": False},
                "encoding": {
                    "x": x,
                    "y": {**y, "field": "low", "axis": {**shown, **left, "title": f"{y_title}, %"}},
                    "y2": {"field": "high"},
                },
            },
            {
                "data": {"values": [{"p": 0, "observed": 0}, {"p": 100, "observed": 100}]},
                "mark": {"type": "line", "stroke": p.muted, "strokeWidth": 1.5, "strokeDash": [5, 4]},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "line", "stroke": p.accent, "strokeWidth": 2.5, "clip": True, "point": len(values) == 1},
                "encoding": {"x": x, "y": y},
            },
        ],
    }
    strip = {
        "width": WIDTH - _AXIS - 16,
        "height": _STRIP,
        "data": {"values": bars},
        "mark": {"type": "bar", "color": blend(p.surface, p.accent, p.tint)},
        "encoding": {
            "x": {**x, "field": "from", "axis": {**shown, "title": f"{x_title}, %", "titleAnchor": "start"}},
            "x2": {"field": "to"},
            "y2": {"datum": 0},
            "y": {
                "field": "n",
                "type": "quantitative",
                "scale": {"domain": [0, most], "nice": False},
                "axis": {**left, "title": _("Rows"), "values": [0, most], "format": ",d", "domain": False, "ticks": False},
            },
        },
    }
    return frame(p, {"data": {"values": values}, "vconcat": [curve, strip], "spacing": 10})
