"""Runs as rows of a table: their state, and the metrics and parameters that are chosen as columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count

from core.charts.line_table import figure
from tracking.comparing.measuring import place_of
from tracking.comparing.rows import shown
from tracking.models import MetricSeries, TrainingRun
from tracking.searching.finding import Search
from tracking.searching.language.tree import Absent, Among, And, Compare, Field, Filter, Metric, Not, NotANumber, Or, Param

AT_FIRST = 3  # metrics that are shown without being chosen
MOST_COLUMNS = 8  # of metrics and of parameters each
MOST_NAMES = 60  # that are offered


@dataclass(frozen=True, slots=True)
class Columns:
    """What is shown in columns, and what else could be."""

    metrics: list[str]
    params: list[str]
    other_metrics: list[str]
    other_params: list[str]


@dataclass(frozen=True, slots=True)
class Row:
    run: TrainingRun
    look: str  # the state, or "silent"
    since: datetime | None  # when a silent run was last heard
    seconds: float | None
    metrics: list[tuple[str, str]]  # for each column its name and the run's text; "" where it has none
    params: list[tuple[str, str]]
    children: int


def rows_of(
    runs: Sequence[TrainingRun], search: Search, *, metrics: Sequence[str] = (), params: Sequence[str] = ()
) -> tuple[Columns, list[Row]]:
    """The rows of one page. Without a choice, columns are what the search names, and the most frequent metrics."""
    columns = _columns(runs, search, metrics=metrics, params=params)
    values = _values(runs, columns.metrics)
    children = dict(TrainingRun.objects.filter(parent__in=runs).shown().order_by().values_list("parent").annotate(Count("pk")))
    return columns, [
        Row(
            run=run,
            look="silent" if run.is_silent else run.state,
            since=(run.heard_at or run.created_at) if run.is_silent else None,
            seconds=(run.ended_at - run.started_at).total_seconds() if run.ended_at and run.started_at else None,
            metrics=[(name, figure(values[run.pk, name]) if (run.pk, name) in values else "") for name in columns.metrics],
            params=[(name, _text(run.params.get(name))) for name in columns.params],
            children=children.get(run.pk, 0),
        )
        for run in runs
    ]


def _text(value: Any) -> str:
    return figure(value) if isinstance(value, float) else shown(value) or ""


def _columns(runs: Sequence[TrainingRun], search: Search, *, metrics: Sequence[str], params: Sequence[str]) -> Columns:
    counted = MetricSeries.objects.filter(run__in=runs).order_by().values_list("name").annotate(n=Count("pk"))
    counts = dict(counted.order_by("-n", "name")[:MOST_NAMES])
    known = sorted(counts, key=lambda name: (-counts[name], place_of(name)))
    known_params = [name for name, _n in Counter(name for run in runs for name in run.params).most_common(MOST_NAMES)]
    named = list(_named(search))
    asked = [field.name for field in named if isinstance(field, Metric)]
    first = _once([*metrics] or [*asked, *known[: max(0, AT_FIRST - len(asked))]])
    second = _once([*params] or [field.name for field in named if isinstance(field, Param)])
    return Columns(
        first, second, [name for name in known if name not in first], sorted(set(known_params) - set(second), key=str.lower)
    )


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))[:MOST_COLUMNS]


def _values(runs: Sequence[TrainingRun], names: Sequence[str]) -> dict[tuple[UUID, str], float]:
    series = MetricSeries.objects.filter(run__in=runs, name__in=names).values_list("run_id", "name", "last_value")
    return {(run, name): value for run, name, value in series}


def _named(search: Search) -> Iterator[Field]:
    """The fields that an order and a filter name."""
    yield from (term.field for term in search.order)
    if search.filter is not None:
        yield from fields_in(search.filter)


def fields_in(tree: Filter) -> Iterator[Field]:
    """Every field of a filter, from left to right."""
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from fields_in(part)
        case Not(inner):
            yield from fields_in(inner)
        case Compare() | Among() | Absent() | NotANumber():
            yield tree.field
