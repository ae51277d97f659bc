"""The picture of a line chart: SVG without scripts and without style attributes.

Colours stand as attributes, for paper; the page's style sheet overrides them by class, for light and dark. Lines differ by colour
and by dashes, and each has its name at its end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from core.charts.axes import Axis, logarithmic_axis, seconds_axis, steps_axis, values_axis
from core.charts.figure import Line, Mark
from core.charts.look import DASHES, LIGHT

WIDTH, HEIGHT = 400, 240  # units of the picture; as many pixels on a phone
_TOP, _BOTTOM, _END = 24, 38, 12
_LETTER = 6.4  # about how wide one is, of 11 units
_FEW = 60  # points of a line that get a dot each


def drawable(y: float, *, logarithmic: bool) -> bool:
    """Whether a value has a place: finite, and above 0 on a logarithmic scale."""
    return math.isfinite(y) and not (logarithmic and y <= 0)


@dataclass(frozen=True, slots=True)
class _Frame:
    """The axes, and where the plot lies in the picture."""

    x: Axis
    y: Axis
    left: float
    right: float

    def across(self, x: float) -> float:
        return round(self.left + self.x.place(x) * (self.right - self.left), 1)

    def down(self, y: float) -> float:
        return round(HEIGHT - _BOTTOM - min(max(self.y.place(y), 0.0), 1.0) * (HEIGHT - _BOTTOM - _TOP), 1)


def _framed(series: Sequence[Line], *, logarithmic: bool, seconds: bool) -> _Frame:
    xs = [x for line in series if len(line.steps) for x in (line.steps[0], line.steps[-1])] or [0]
    ys = [y for line in series for y in line.values if drawable(y, logarithmic=logarithmic)] or [1.0]
    x = (seconds_axis if seconds else steps_axis)(min(xs), max(xs))
    y = (logarithmic_axis if logarithmic else values_axis)(min(ys), max(ys))
    left = 10 + _LETTER * max(len(text) for _place, text in y.ticks) if y.ticks else 10
    names = max((len(_at_end(line)) for line in series), default=0) if len(series) > 1 else 0
    return _Frame(x, y, left, WIDTH - _END - _LETTER * names)


def _at_end(line: Line) -> str:
    name = line.short or line.label
    return name if len(name) <= 12 else f"{name[:11]}…"


@dataclass(frozen=True, slots=True)
class Labels:
    """What is written in a picture, and for whom nobody sees it."""

    title: str
    description: str
    x: str
    y: str


def picture(
    series: Sequence[Line], labels: Labels, marks: Sequence[Mark] = (), *, logarithmic: bool = False, seconds: bool = False
) -> SafeString:
    """The lines over each other, with axes, marks and names."""
    frame = _framed(series, logarithmic=logarithmic, seconds=seconds)
    parts = [
        f'<svg class="line-chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="Inter, DejaVu Sans, sans-serif" font-size="11" aria-label="{escape(labels.title)}">',
        f"<title>{escape(labels.title)}</title><desc>{escape(labels.description)}</desc>",
        *_axes(frame, labels.x, labels.y + (f" ({_('logarithmic')})" if logarithmic else "")),
        *_marks(frame, marks),
    ]
    ends = []
    for place, line in enumerate(series):
        parts.append(_line(frame, place, line, logarithmic=logarithmic))
        last = next((y for y in reversed(line.values) if drawable(y, logarithmic=logarithmic)), None)
        if last is not None:
            ends.append((frame.down(last), place, _at_end(line)))
    if len(series) > 1:
        parts += _names(frame, ends)
    return mark_safe("".join([*parts, "</svg>"]))  # noqa: S308 - every text in it was escaped


def _axes(frame: _Frame, x_label: str, y_label: str) -> list[str]:
    floor, parts = HEIGHT - _BOTTOM, []
    for share, text in frame.y.ticks:
        y = round(floor - share * (floor - _TOP), 1)
        parts.append(f'<path class="grid" stroke="{LIGHT.line}" d="M{frame.left:.1f} {y}H{frame.right:.1f}"/>')
        parts.append(_tick(frame.left - 6, y + 4, text, "end"))
    for share, text in frame.x.ticks:
        x = round(frame.left + share * (frame.right - frame.left), 1)
        parts.append(f'<path class="axis" stroke="{LIGHT.muted}" d="M{x} {floor}v4"/>')
        parts.append(_tick(x, floor + 17, text, "end" if share > 0.97 else "middle"))
    parts.append(f'<path class="axis" stroke="{LIGHT.muted}" d="M{frame.left:.1f} {floor}H{frame.right:.1f}"/>')
    parts.append(_tick(frame.right, HEIGHT - 5, x_label, "end"))
    parts.append(_tick(2, 11, _cut(y_label, 56), "start"))
    return parts


def _tick(x: float, y: float, text: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="tick" fill="{LIGHT.muted}" {place}>{escape(text)}</text>'


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _marks(frame: _Frame, marks: Sequence[Mark]) -> list[str]:
    """Upright lines with their names; those beyond the lines of this chart are left out."""
    parts = []
    for row, mark in enumerate(one for one in marks if -0.001 <= frame.x.place(one.step) <= 1.001):
        x = frame.across(mark.step)
        dashes = ' stroke-dasharray="2 3"' if mark.kind == "stop" else ""
        parts.append(f'<path class="mark" stroke="{LIGHT.ink}"{dashes} d="M{x} {_TOP - 4}V{HEIGHT - _BOTTOM}"/>')
        after = x < (frame.left + frame.right) / 2
        parts.append(
            f'<text class="mark-name" fill="{LIGHT.ink}" x="{x + (5 if after else -5):.1f}" y="{_TOP + 5 + 14 * row}" '
            f'text-anchor="{"start" if after else "end"}">{escape(_cut(mark.label, 34))}</text>'
        )
    return parts


def _line(frame: _Frame, place: int, line: Line, *, logarithmic: bool) -> str:
    """One line with its dots: it breaks where a value cannot be drawn; a point alone between breaks is a dot."""
    ways: list[list[tuple[float, float]]] = [[]]
    lost: set[float] = set()
    for x, y in zip(line.steps, line.values, strict=True):
        if drawable(y, logarithmic=logarithmic):
            ways[-1].append((frame.across(x), frame.down(y)))
            continue
        if ways[-1]:
            ways.append([])
        if not math.isfinite(y):
            lost.add(frame.across(x))
    path = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in way) for way in ways if len(way) > 1)
    few = sum(len(way) for way in ways) <= _FEW
    dots = [point for way in ways if few or len(way) == 1 for point in way]
    colour, dashes = _look(place)
    crosses = "".join(f"M{x - 2.5:g} {HEIGHT - _BOTTOM - 6}l5 5m0 -5l-5 5" for x in sorted(lost))
    return (
        f'<g class="line-{place % len(LIGHT.series) + 1}">'
        f'<path class="line" fill="none" stroke="{colour}" stroke-width="1.75" stroke-linejoin="round"{dashes} d="{path}"/>'
        + "".join(f'<circle class="dot" fill="{colour}" cx="{x:g}" cy="{y:g}" r="2.2"/>' for x, y in dots)
        + (f'<path class="line" fill="none" stroke="{colour}" stroke-width="1.5" d="{crosses}"/>' if crosses else "")
        + "</g>"
    )


def _look(place: int) -> tuple[str, str]:
    """Colour and dashes of the line at a place: the second six have the colours of the first, with other dashes."""
    colours = len(LIGHT.series)
    dashes = DASHES[(place + place // colours) % len(DASHES)]
    pattern = "" if dashes == [1, 0] else f' stroke-dasharray="{" ".join(str(one) for one in dashes)}"'
    return LIGHT.series[place % colours], pattern


def _names(frame: _Frame, ends: Sequence[tuple[float, int, str]]) -> list[str]:
    """The names at the lines' ends, moved apart where they would lie on each other."""
    parts, free = [], float(_TOP)
    left = len(ends)
    for y, place, name in sorted(ends):
        at = min(max(y, free), HEIGHT - _BOTTOM - 12 * (left - 1))
        free, left = at + 12, left - 1
        colour, _dashes = _look(place)
        parts.append(
            f'<text class="line-{place % len(LIGHT.series) + 1} line-name" fill="{colour}" x="{frame.right + 5:.1f}" '
            f'y="{at + 4:.1f}">{escape(name)}</text>'
        )
    return parts


def swatch(place: int) -> SafeString:
    """A piece of the line for the key."""
    colour, dashes = _look(place)
    return mark_safe(  # noqa: S308 - numbers and names of our own
        f'<svg class="swatch line-{place % len(LIGHT.series) + 1}" viewBox="0 0 26 8" width="26" height="8" aria-hidden="true">'
        f'<path class="line" stroke="{colour}" stroke-width="2"{dashes} d="M0 4H26"/></svg>'
    )
