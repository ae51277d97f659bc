"""What a check finds: metrics with intervals, charts as rows, and facts. All of it becomes JSON as it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from measures.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured number. A number that was counted has neither bounds nor a confidence; a bound that is None beside a
    confidence means that the sample does not bound that side; n = 0 means that nothing is known."""

    check: str
    name: str
    label: str
    value: float
    low: float | None
    high: float | None
    confidence: float | None
    method: str
    n: int
    unit: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as data: `kind` bars, matrix, heat or lines; `rows` are dictionaries with the keys of `columns`.

    `more` holds what the kind needs besides: unit, categories, axis titles, the check and metric that a threshold may name.
    """

    name: str
    title: str
    kind: str
    columns: list[dict[str, str]]
    rows: list[dict[str, Any]]
    description: str
    more: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "columns": self.columns,
            "rows": self.rows,
            "description": self.description,
            **self.more,
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one check says. `facts` are merged into the result under their own key (`reference`, `resources`)."""

    metrics: list[Metric] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)


def estimated(check: str, name: str, estimate: Estimate, *, unit: str, label: str = "") -> Metric:
    """A metric from an estimate with its interval."""
    return Metric(
        check,
        name,
        label,
        estimate.value,
        estimate.low,
        estimate.high,
        estimate.confidence,
        estimate.method,
        estimate.n,
        unit,
    )


def counted(check: str, name: str, value: float, *, n: int, method: str, unit: str, label: str = "") -> Metric:
    """A metric that was counted or read once, without an interval."""
    return Metric(check, name, label, float(value), None, None, None, method, n, unit)


def bar_columns(label: str, value: str, n: str = "Rows", *, mark: str = "") -> list[dict[str, str]]:
    """The columns of bars with intervals under the titles that the reader sees; `mark`: of a second value beside each bar."""
    titles = {"label": label, "value": value, "low": "Lower bound", "high": "Upper bound", "mark": mark, "n": n}
    return [{"key": key, "title": title} for key, title in titles.items() if title]


def percent(share: float) -> str:
    """A share for a sentence: 97.8 %."""
    return f"{share * 100:.1f} %"
