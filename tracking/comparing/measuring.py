"""Metrics side by side: last, lowest and highest of each run, and the best one in the direction that the reader chose."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tracking.charting import Kind, kind_of
from tracking.models import MetricSeries

# Names of losses and errors, for which lower is better; a guess, said as such, that the reader can turn round.
_LOWER = re.compile(
    r"(?:^|[^a-z])(?:loss|losses|error|errors|err|mse|rmse|mae|mape|nll|perplexity|ppl|brier|ece|hamming|wer|cer|fid|kl)(?:$|[^a-z])"
)

_PLACES = (Kind.METRIC, Kind.LOSS, Kind.RATE, Kind.REST)


class Direction(StrEnum):
    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True)
class Cell:
    """One run's figures of a metric; `best_*` is its own best point in the row's direction, None where none is finite."""

    last: float
    last_step: int
    best: float | None
    best_step: int | None
    count: int
    not_finite: int
    leads: bool = False  # whether no other run's best is better


@dataclass(frozen=True, slots=True)
class MetricRow:
    name: str
    unit: str
    direction: Direction | None  # None: neither is better, as for a learning rate
    assumed: bool  # the direction was guessed from the name
    cells: tuple[Cell | None, ...]


def guessed(name: str) -> Direction | None:
    """Which direction is better, as far as a name tells."""
    if kind_of(name) in (Kind.RATE, Kind.REST):
        return None
    return Direction.LOWER if kind_of(name) is Kind.LOSS or _LOWER.search(name.lower()) else Direction.HIGHER


def place_of(name: str) -> tuple[int, str, str]:
    """Metrics first, then losses, learning rates and the rest, each by the alphabet."""
    return (_PLACES.index(kind_of(name)), name.lower(), name)


def metric_rows(
    runs: Sequence[Mapping[str, MetricSeries]], *, lower: Collection[str] = (), higher: Collection[str] = ()
) -> list[MetricRow]:
    """A row for each metric that any run has: those that most runs have first, then by their kind and name.

    `lower` and `higher`: what the reader chose."""
    counts: dict[str, int] = {}
    for run in runs:
        for name in run:
            counts[name] = counts.get(name, 0) + 1
    rows = []
    for name in sorted(counts, key=lambda name: (-counts[name], place_of(name))):
        chosen = Direction.LOWER if name in lower else Direction.HIGHER if name in higher else None
        direction = chosen or guessed(name)
        cells = [_cell(run.get(name), direction) for run in runs]
        units = [run[name].unit for run in runs if name in run and run[name].unit]
        rows.append(MetricRow(name, units[0] if units else "", direction, chosen is None, tuple(_with_leaders(cells, direction))))
    return rows


def _cell(series: MetricSeries | None, direction: Direction | None) -> Cell | None:
    if series is None:
        return None
    best: tuple[float | None, int | None] = (None, None)
    if direction is Direction.LOWER:
        best = (series.lowest_value, series.lowest_step)
    elif direction is Direction.HIGHER:
        best = (series.highest_value, series.highest_step)
    return Cell(
        last=series.last_value,
        last_step=series.last_step,
        best=best[0],
        best_step=best[1],
        count=series.count,
        not_finite=series.not_finite,
    )


def _with_leaders(cells: Sequence[Cell | None], direction: Direction | None) -> list[Cell | None]:
    """Marks the best of the bests; nobody leads where fewer than two runs can be told apart."""
    bests = {cell.best for cell in cells if cell and cell.best is not None}
    if len(bests) < 2:
        return list(cells)
    best = min(bests) if direction is Direction.LOWER else max(bests)
    return [cell and replace(cell, leads=cell.best == best) for cell in cells]
