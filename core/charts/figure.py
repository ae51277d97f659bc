"""What a chart is before and after it is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.safestring import SafeString

from core.charts.look import Palette


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a chart in words: titles of the columns, and rows of texts."""

    columns: list[str]
    rows: list[list[str]]

    def as_json(self) -> dict[str, Any]:
        return {"columns": self.columns, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that values are held against: at least `value` (a minimum) or at most."""

    value: float
    is_minimum: bool = True


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart not yet drawn: `spec(palette)` is its Vega-Lite specification, with all data inside."""

    name: str
    title: str
    description: str  # the picture in full sentences with numbers, for those who do not see it
    spec: Callable[[Palette], dict[str, Any]]
    table: Table


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: the same picture as SVG for light and for dark pages. The same figure gives the same bytes."""

    name: str
    title: str
    description: str
    light: bytes
    dark: bytes
    table: Table


@dataclass(frozen=True, slots=True)
class Line:
    """One line: where x never falls. A value that is not finite breaks the line and is marked below it.

    `count` says how many points there were before thinning; `short` is what is written at its end.
    """

    label: str
    steps: Sequence[float]
    values: Sequence[float]
    count: int | None = None
    not_finite: int | None = None  # how many of `count`, where not all of them are given
    short: str = ""

    @property
    def finite(self) -> list[tuple[float, float]]:
        """The points that can be drawn."""
        return [point for point in zip(self.steps, self.values, strict=True) if math.isfinite(point[1])]

    @property
    def missing(self) -> int:
        """How many values are no finite numbers."""
        return len(self.steps) - len(self.finite) if self.not_finite is None else self.not_finite


@dataclass(frozen=True, slots=True)
class Mark:
    """A step to point at: `best` (a solid line) or `stop` (a dashed one)."""

    step: float
    label: str
    kind: Literal["best", "stop"] = "best"


@dataclass(frozen=True, slots=True)
class Key:
    """A line in the chart's key, above the picture."""

    label: str
    last: str
    swatch: SafeString


@dataclass(frozen=True, slots=True)
class LineChart:
    """The picture with everything that says the same in words."""

    title: str
    description: str
    svg: SafeString
    keys: list[Key]
    notes: list[str]  # what the picture does not show
    table: Table
    thinned: bool  # the table has a choice of the points
