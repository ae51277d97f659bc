"""A heat map of one number over rows and columns: where in an image a model looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.charts.figure import Figure, Table
from core.charts.look import SMALL, WIDTH, Palette, blend, frame

_LABELS, _HIGHEST = 90, 420  # pixels that the axes take, and that the picture may be high


def heat(
    *,
    name: str,
    title: str,
    description: str,
    rows: Sequence[Mapping[str, Any]],
    x_title: str,
    y_title: str,
    value_title: str,
) -> Figure:
    """Cells from rows {row, column, value}, values of at least 0: the darker, the larger. All numbers stand in the table."""
    down = list(dict.fromkeys(str(one["row"]) for one in rows))
    across = list(dict.fromkeys(str(one["column"]) for one in rows))
    values = {(str(one["row"]), str(one["column"])): float(one["value"]) for one in rows}
    if min(values.values(), default=0.0) < 0:
        raise ValueError("A heat map shows numbers of at least 0.")

    def spec(p: Palette) -> dict[str, Any]:
        return _spec(p, values, down, across, x_title=x_title, y_title=y_title, value_title=value_title)

    cells = [[one, *(f"{values.get((one, other), 0.0):.3g}" for other in across)] for one in down]
    return Figure(name, title, description, spec, Table([f"{y_title} ↓ / {x_title} →", *across], cells))


def _spec(
    p: Palette,
    values: Mapping[tuple[str, str], float],
    down: list[str],
    across: list[str],
    *,
    x_title: str,
    y_title: str,
    value_title: str,
) -> dict[str, Any]:
    top = max(values.values(), default=0.0) or 1.0
    cells = [
        {"row": row, "column": column, "fill": blend(p.surface, p.accent, 0.04 + 0.92 * value / top)}
        for (row, column), value in values.items()
    ]
    side = (WIDTH - _LABELS) / max(len(across), 1)
    axis = {"ticks": False, "domain": False, "grid": False, "labelOverlap": True, "labelFontSize": SMALL, "labelAngle": 0}
    x = {"field": "column", "type": "nominal", "sort": across, "axis": {**axis, "title": x_title, "labelLimit": 2 * round(side)}}
    y = {"field": "row", "type": "nominal", "sort": down, "axis": {**axis, "title": y_title, "labelLimit": _LABELS}}
    return frame(
        p,
        {
            "width": WIDTH,
            "height": min(_HIGHEST, round(side * len(down))) + _LABELS,
            "autosize": {"type": "fit", "contains": "padding"},
            "title": {
                "text": _("%(what)s: the stronger the colour, the more; strongest %(top)s")
                % {"what": value_title, "top": f"{top:.3g}"}
            },
            "data": {"values": cells},
            "mark": {"type": "rect"},
            "encoding": {"x": x, "y": y, "color": {"field": "fill", "type": "nominal", "scale": None}},
        },
    )
