"""What a chart is before and after it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
