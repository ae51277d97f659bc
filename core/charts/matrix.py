"""A matrix of counts: truth by prediction, what is right in one colour and what is wrong in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.charts.figure import Figure, Table
from core.charts.look import SMALL, TEXT, WIDTH, Palette, blend, frame, readable_on

MOST_WITH_TEXT = 20  # classes; beyond, cells are too small to write in
_HIGH, _LOW = 36, 14  # pixels of a row


def matrix(
    *,
    name: str,
    title: str,
    description: str,
    rows: Sequence[Mapping[str, Any]],
    categories: Sequence[str],
    x_title: str,
    y_title: str,
) -> Figure:
    """A heat matrix from rows {truth, predicted, count} over `categories`; shades are shares of the row's truth.

    Wrong cells are shaded by the square root of their share, so that one mistake in a hundred can still be seen.
    """
    counts = {(str(row["truth"]), str(row["predicted"])): int(row["count"]) for row in rows}
    totals = {t: sum(counts.get((t, p), 0) for p in categories) for t in categories}

    def spec(p: Palette) -> dict[str, Any]:
        return _spec(p, counts, totals, categories, x_title=x_title, y_title=y_title)

    return Figure(name, title, description, spec, _table(counts, totals, categories, x_title, y_title))


def _spec(
    p: Palette,
    counts: Mapping[tuple[str, str], int],
    totals: Mapping[str, int],
    categories: Sequence[str],
    *,
    x_title: str,
    y_title: str,
) -> dict[str, Any]:
    written = len(categories) <= MOST_WITH_TEXT
    values = []
    for t in categories:
        for c in categories:
            count = counts.get((t, c), 0)
            share = count / totals[t] if totals[t] else 0.0
            if count == 0 and not written:
                continue  # the ground shows: thousands of empty cells would only make the file large
            if count == 0:
                fill = p.sunken
            elif t == c:
                fill = blend(p.surface, p.accent, 0.12 + 0.78 * share)
            else:
                fill = blend(p.surface, p.bad, 0.25 + 0.7 * share**0.5)
            values.append(
                {
                    "truth": t,
                    "predicted": c,
                    "fill": fill,
                    "ink": readable_on(fill),
                    "text": f"{count:,}" if count and written else "",
                }
            )
    order = list(categories)
    axis = {"ticks": False, "domain": False, "labelColor": p.ink, "grid": False, "labelOverlap": not written}
    axis["labelFontSize"] = TEXT if written else SMALL
    x = {
        "field": "predicted",
        "type": "nominal",
        "sort": order,
        "scale": {"domain": order, "paddingInner": 0.04},
        "axis": {**axis, "title": x_title, "labelAngle": 0 if _short(categories) else -40, "labelLimit": 110},
    }
    y = {
        "field": "truth",
        "type": "nominal",
        "sort": order,
        "axis": {**axis, "title": y_title, "labelLimit": 160},
        "scale": {"domain": order, "paddingInner": 0.06},
    }
    plain = {"field": "fill", "type": "nominal", "scale": None}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "rect"}, "encoding": {"x": x, "y": y, "color": plain}},
    ]
    if written:
        layers.append(
            {
                "mark": {"type": "text", "fontSize": TEXT if len(categories) <= 12 else SMALL - 1, "baseline": "middle"},
                "encoding": {
                    "x": x,
                    "y": y,
                    "text": {"field": "text", "type": "nominal"},
                    "color": {"field": "ink", "type": "nominal", "scale": None},
                },
            }
        )
    step = _HIGH if len(categories) <= 12 else 26 if written else _LOW
    return frame(
        p,
        {
            "width": WIDTH,
            "height": len(categories) * step + (110 if _short(categories) else 190),
            "autosize": {"type": "fit", "contains": "padding"},
            "title": {"text": _("On the diagonal: right · elsewhere: wrong · shade: share of the rows of the true class")},
            "view": {"fill": "transparent" if written else p.sunken, "stroke": None},
            "data": {"values": values},
            "layer": layers,
        },
    )


def _short(categories: Sequence[str]) -> bool:
    """Whether the names fit under their columns without being turned."""
    room = (WIDTH - 90) / max(len(categories), 1)
    return max((len(name) for name in categories), default=0) * 9 <= room


def _table(
    counts: Mapping[tuple[str, str], int],
    totals: Mapping[str, int],
    categories: Sequence[str],
    x_title: str,
    y_title: str,
) -> Table:
    if len(categories) <= MOST_WITH_TEXT:
        head = [f"{y_title} ↓ / {x_title} →", *categories, _("Rows")]
        rows = [[t, *(f"{counts.get((t, c), 0):,}" for c in categories), f"{totals[t]:,}"] for t in categories]
        return Table(head, rows)
    listed = sorted(counts.items(), key=lambda item: (-item[1] if item[0][0] != item[0][1] else 0, item[0]))
    wrong = [(t, c, n) for (t, c), n in listed if t != c and n]
    return Table([y_title, x_title, _("Rows"), _("Rows of the class")], [[t, c, f"{n:,}", f"{totals[t]:,}"] for t, c, n in wrong])
