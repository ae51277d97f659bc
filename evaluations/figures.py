"""A run's numbers and charts as people read them: check by check, each with what it asks, its pictures and its tables.

Nothing here knows a single check: a new one shows as soon as it measures something, under its own name until
`evaluations.names` has words for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _

from evaluations import names, wording
from evaluations.catalogue import catalogue
from evaluations.models import Chart, EvaluationRun
from evaluations.verdicts import GRAVEST_FIRST, PASSED

if TYPE_CHECKING:
    from evaluations.verdicts import Measured, Verdict

MOST_ROWS = 100  # of a table; beyond, the lowest are shown and the API has all
MOST_COLUMNS = 4
FEW_ROWS = 12  # a longer table is folded, and so is each but the first
FIRST = ("recall", "worse_by")  # what a class is missed of, and how far a part is behind, are read first


@dataclass(frozen=True, slots=True)
class Figure:
    """One number in words: its value, its interval with the sample size, how the interval was made."""

    title: str
    value: str
    bounds: str
    method: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table: its value, its interval, the rows behind it."""

    value: str
    bounds: str
    rows: str


@dataclass(frozen=True, slots=True)
class Row:
    """One class, part or group; `named` pairs each column of the table with its number, None where it was not measured."""

    label: str
    named: list[tuple[str, Cell | None]]


@dataclass(frozen=True, slots=True)
class Grid:
    """Measures that share their labels. `columns` are (name, method); `hidden` rows are left to the API."""

    title: str
    kind: str
    columns: list[tuple[str, str]]
    rows: list[Row]
    hidden: int
    folded: bool


@dataclass
class Section:
    """All that one check found. `headline` is its most telling number; `open` says whether it is shown unfolded."""

    check: str
    title: str
    says: str
    figures: list[Figure] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    charts: list[dict[str, Any]] = field(default_factory=list)
    headline: str = ""
    outcome: str = ""
    open: bool = False


def figures_of(run: EvaluationRun, verdict: Verdict | None = None) -> list[Section]:
    """The sections of a run with its results loaded; the first of the gravest is open."""
    sections = sections_of(run.metrics.all())
    by_check = {section.check: section for section in sections}
    for chart in run.charts.all():
        check = check_of(chart)
        if check not in by_check:
            by_check[check] = Section(check, names.check_title(check), says_of(check))
            sections.append(by_check[check])
        by_check[check].charts.append(_picture(chart))
    for judged in verdict.checks if verdict is not None else []:
        section = by_check.get(str(judged.threshold.get("check", "")))
        if section is not None and (not section.outcome or _graver(judged.outcome, section.outcome)):
            section.outcome = judged.outcome
    unmet = [section.outcome for section in sections if section.outcome not in ("", PASSED)]
    gravest = min(unmet, key=GRAVEST_FIRST.index, default="")
    first = next((nth for nth, section in enumerate(sections) if gravest and section.outcome == gravest), 0)
    for nth, section in enumerate(sections):
        section.grids = [replace(grid, folded=grid.folded or _drawn(grid, section)) for grid in section.grids]
        section.open = nth == first
    return sections


def _drawn(grid: Grid, section: Section) -> bool:
    """Whether a chart shows the one measure of the table already."""
    return bool(section.charts) and len(grid.columns) == 1


def sections_of(metrics: Iterable[Measured]) -> list[Section]:
    """Numbers grouped by check in the order of `names.CHECKS`, each once: alone, or in a table with those of the same labels."""
    ordered = sorted(metrics, key=lambda metric: names.rank(metric.check_name))
    return [_section(check, list(found)) for check, found in groupby(ordered, key=lambda metric: metric.check_name)]


def _section(check: str, metrics: list[Measured]) -> Section:
    section = Section(check, names.check_title(check), says_of(check))
    labelled: dict[str, dict[str, Measured]] = {}
    for metric in metrics:
        labelled.setdefault(metric.name, {})[metric.label] = metric
    tables: dict[str, dict[str, Measured]] = {}
    for name, found in labelled.items():
        if "" in found:  # of the whole, beside those of its parts
            section.figures.append(figure_of(found.pop("")))
        if len(found) == 1:
            section.figures += [figure_of(metric) for metric in found.values()]
        elif found:
            tables[name] = found
    section.grids = [_grid(check, columns, nth=nth) for nth, columns in enumerate(_together(tables))]
    section.headline = _headline(check, metrics)
    return section


def _together(tables: dict[str, dict[str, Measured]]) -> list[dict[str, dict[str, Measured]]]:
    """Measures by name, those with the same labels in one table, at most four side by side."""
    groups: list[tuple[set[str], dict[str, dict[str, Measured]]]] = []
    for name, found in sorted(tables.items(), key=_place):
        labels = set(found)
        home = next((group for known, group in groups if len(group) < MOST_COLUMNS and known == labels), None)
        if home is None:
            home = {}
            groups.append((labels, home))
        home[name] = found
    return [group for _labels, group in groups]


def _place(pair: tuple[str, dict[str, Measured]]) -> tuple[bool, bool]:
    """What is read first stands first, what was only counted last."""
    name, found = pair
    return name not in FIRST, all(metric.confidence is None for metric in found.values())


def _grid(check: str, columns: dict[str, dict[str, Measured]], *, nth: int) -> Grid:
    first, *_others = columns.values()
    labels = list(first)
    hidden = max(0, len(labels) - MOST_ROWS)
    most_first = "worse_by" in columns
    if hidden or most_first:
        labels = sorted(labels, key=lambda label: _order(first[label], most_first))[:MOST_ROWS]
    heads = [(names.measure_title(name), _methods(found.values())) for name, found in columns.items()]

    def row(label: str) -> Row:
        cells = [cell_of(found[label]) if label in found else None for found in columns.values()]
        return Row(label, list(zip((name for name, _method in heads), cells, strict=True)))

    kind = wording.kind_of(check, next(iter(columns)))
    what = {"kind": kind, "what": ", ".join(name for name, _method in heads)}
    return Grid(
        title=_("By %(kind)s: %(what)s") % what,
        kind=kind[:1].upper() + kind[1:],
        columns=heads,
        rows=[row(label) for label in labels],
        hidden=hidden,
        folded=nth > 0 or len(labels) > FEW_ROWS,
    )


def _order(metric: Measured, most_first: bool) -> float:
    if most_first:
        return -metric.value
    return (metric.low if metric.low is not None else metric.value) if metric.n > 0 else float("-inf")


def _methods(metrics: Iterable[Measured]) -> str:
    """How a column's intervals were made; what differs from row to row is left to the API."""
    found = {wording.method_of(metric.method) for metric in metrics if metric.method}
    if len(found) > 1:
        found = {method.partition(", ")[0] for method in found}
    return "; ".join(sorted(found, key=len)[:2])


def _headline(check: str, metrics: Sequence[Measured]) -> str:
    """The number that says most about the check, with its name and interval; of several parts, the one furthest off."""
    for name in names.HEADLINES.get(check, ()):
        found = [metric for metric in metrics if metric.name == name and metric.n > 0]
        if found:
            whole = [metric for metric in found if not metric.label]
            furthest = max if check in names.MOST_FIRST else min
            return _told(whole[0] if whole else furthest(found, key=lambda metric: metric.value))
    alone = [metric for metric in metrics if not metric.label and metric.n > 0]
    return _told(alone[0]) if alone else ""


def _told(metric: Measured) -> str:
    cell = cell_of(metric)
    beside = f" ({cell.bounds})" if cell.bounds else ""
    return f"{wording.name_of(metric.name, metric.label)}: {cell.value}{beside}"


def figure_of(metric: Measured) -> Figure:
    """A number in units that one can read: per cent, milliseconds, kilobytes; a counted one has no interval."""
    title, method = wording.name_of(metric.name, metric.label), wording.method_of(metric.method)
    if metric.n <= 0:
        return Figure(title, _("not known"), _("there is no row that tells"), method)
    value, bounds = wording.interval_of(metric)
    if metric.confidence is None:
        bounds = wording.rows_of(metric) if metric.n > 1 else ""
    return Figure(title, value, bounds, method)


def cell_of(metric: Measured) -> Cell:
    """A number in the cell of a table."""
    if metric.n <= 0:
        return Cell(_("not known"), "", _("no row that tells"))
    rows = "" if metric.unit == "rows" else _("n = %(n)s") % {"n": f"{metric.n:,}"}
    return Cell(wording.interval_of(metric)[0], wording.bounds_of(metric), rows)


def says_of(check: str) -> str:
    """What a check asks, in one sentence; of one that stands in no table, what its own description says."""
    if check in names.CHECKS:
        return str(names.CHECKS[check][1])
    kind = catalogue().get(check)
    return kind.says if kind is not None else ""


def check_of(chart: Chart) -> str:
    """The check that a chart belongs to; older charts are known by their names."""
    return chart.check_name or names.CHECK_OF_CHART.get(chart.name, chart.name)


def pictures_of(run: EvaluationRun, *wanted: str) -> list[dict[str, Any]]:
    """The charts of a run with the addresses of their drawings; those named, or all."""
    return [_picture(chart) for chart in run.charts.all() if not wanted or chart.name in wanted]


def _picture(chart: Chart) -> dict[str, Any]:
    return {
        "title": chart.title,
        "description": chart.description,
        "table": chart.table,
        "light_url": reverse("evaluations:chart", args=[chart.pk, "light"]),
        "dark_url": reverse("evaluations:chart", args=[chart.pk, "dark"]),
    }


def gravest_first(checks: Sequence[Any]) -> list[Any]:
    """Failed before not run before not settled before passed: what blocks stands on top, on pages and in reports alike."""
    return sorted(checks, key=lambda check: GRAVEST_FIRST.index(check.outcome))


def _graver(outcome: str, than: str) -> bool:
    return GRAVEST_FIRST.index(outcome) < GRAVEST_FIRST.index(than)
