"""Curves as tables: what can be read of a curve without a picture."""

from __future__ import annotations

from dataclasses import dataclass

from tracking.models import MetricSeries
from tracking.points import Points

MOST_POINTS = 100  # rows of a curve's table; evenly chosen, the last one among them


@dataclass(frozen=True, slots=True)
class Curve:
    """One series in figures; `points` are all of them, or an even choice."""

    name: str
    unit: str
    count: int
    last: str
    lowest: tuple[int, str]  # step, value
    highest: tuple[int, str]
    points: list[tuple[int, str]]

    @property
    def chosen(self) -> bool:
        return len(self.points) < self.count


def curve_of(series: MetricSeries, points: Points) -> Curve:
    """The figures and the shown points of one series."""
    pairs = list(zip(points.steps.tolist(), points.values.tolist(), strict=True))
    every = -(-len(pairs) // MOST_POINTS)
    shown = pairs[::-1][::every][::-1]
    return Curve(
        name=series.name,
        unit=series.unit,
        count=len(pairs),
        last=figure(pairs[-1][1]),
        lowest=_shown(min(pairs, key=lambda pair: pair[1])),
        highest=_shown(max(pairs, key=lambda pair: pair[1])),
        points=[_shown(pair) for pair in shown],
    )


def figure(value: float) -> str:
    """Six significant digits: enough to read; the API has all of them."""
    return f"{value:.6g}"


def _shown(pair: tuple[int, float]) -> tuple[int, str]:
    return pair[0], figure(pair[1])
