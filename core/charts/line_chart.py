"""A line chart that the server draws itself, while the page is asked for: training curves, as they stand now.

Vega-Lite draws what is kept as evidence, once, in a worker (`lines`). A training that goes on is drawn anew every few seconds, so
this one is text put together in a few milliseconds (`line_svg`). Longer lines than a picture can show are thinned before
(`measures.outline`).
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.charts.figure import Key, Line, LineChart, Mark
from core.charts.line_svg import Labels, picture, swatch
from core.charts.line_table import figure, position, table_of

MOST_LINES = 12  # six colours, each with two ways of dashes


def line_chart(
    series: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    title: str = "",
    marks: Sequence[Mark] = (),
    logarithmic: bool = False,
    seconds: bool = False,
) -> LineChart:
    """The lines over each other. `seconds`: x counts seconds since a start; `logarithmic`: values up to 0 are left out, and said.

    More than twelve lines are refused: nobody can tell them apart.
    """
    if len(series) > MOST_LINES:
        raise ValueError(f"{len(series)} lines cannot be told apart; draw at most {MOST_LINES} in one chart.")
    labels = Labels(title or y_label, _described(series, marks, x_label, seconds=seconds), x_label, y_label)
    return LineChart(
        title=labels.title,
        description=labels.description,
        svg=picture(series, labels, marks, logarithmic=logarithmic, seconds=seconds),
        keys=[
            Key(line.label, figure(line.finite[-1][1]) if line.finite else "–", swatch(place))
            for place, line in enumerate(series)
        ],
        notes=_notes(series, logarithmic=logarithmic),
        table=table_of(series, x_label, seconds=seconds),
        thinned=any((line.count or 0) > len(line.steps) for line in series),
    )


def _described(series: Sequence[Line], marks: Sequence[Mark], x_label: str, *, seconds: bool) -> str:
    """The picture in sentences with numbers."""
    said = []
    for line in series:
        points = line.finite
        words = {"line": line.label, "count": f"{line.count or len(line.steps):,}", "x": x_label}
        if not points:
            said.append(_("%(line)s has no finite value.") % words)
            continue
        lowest, highest = min(points, key=lambda point: point[1]), max(points, key=lambda point: point[1])
        for name, (x, y) in (("first", points[0]), ("last", points[-1]), ("lowest", lowest), ("highest", highest)):
            words |= {name: figure(y), f"{name}_at": position(x, seconds=seconds)}
        said.append(
            _(
                "%(line)s, %(count)s points: from %(first)s at %(x)s %(first_at)s to %(last)s at %(last_at)s; "
                "lowest %(lowest)s at %(lowest_at)s, highest %(highest)s at %(highest_at)s."
            )
            % words
        )
    for mark in marks:
        said.append(f"{mark.label}: {x_label} {position(mark.step, seconds=seconds)}.")
    return " ".join(said)


def _notes(series: Sequence[Line], *, logarithmic: bool) -> list[str]:
    """What the picture does not show."""
    notes = []
    for line in series:
        if line.missing:
            text = ngettext(
                "%(line)s: %(n)s value is not a finite number (marked × below; the line breaks there).",
                "%(line)s: %(n)s values are not finite numbers (marked × below; the line breaks there).",
                line.missing,
            )
            notes.append(text % {"line": line.label, "n": f"{line.missing:,}"})
        if logarithmic and any(y <= 0 for _x, y in line.finite):
            notes.append(_("%(line)s: values of 0 and below have no place on a logarithmic scale.") % {"line": line.label})
    return notes
