"""Numbers in the shape in which people compare them: check by check, one table of the whole, one with a column for each
measure by class."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.utils.translation import gettext as _

from evaluations.figures import says_of
from evaluations.names import check_title, rank
from evaluations.wording import kind_of

Metric = dict[str, Any]
MOST_COLUMNS = 4  # more do not fit on paper; further measures get a table of their own


def sections_of(run: dict[str, Any]) -> list[dict[str, Any]]:
    """Each check of a run of report.json: {"title", "says", "charts", "tables"}, in the order in which the pages show them.

    Measures that a chart's table gives are not given once more.
    """
    checks = {one["check"] for one in (*run["metrics"], *run["charts"])}
    sections = []
    for check in sorted(checks, key=rank):
        charts = [chart for chart in run["charts"] if chart["check"] == check]
        metrics = [metric for metric in run["metrics"] if metric["check"] == check]
        methods = {metric["name"]: method_of(metric) for metric in metrics}
        pictured = {chart["name"] for chart in charts if chart["table"].get("rows")}
        sections.append(
            {
                "title": check_title(check),
                "says": says_of(check),
                "charts": [chart | {"method": methods.get(chart["name"], "")} for chart in charts],
                "tables": tables_of(metrics, pictured=pictured),
            }
        )
    return sections


def tables_of(metrics: Sequence[Metric], *, pictured: Collection[str] = ()) -> list[dict[str, Any]]:
    """Each {"title", "columns", "rows"}; without columns the rows are the metrics themselves. Measures by class that are
    `pictured` stand beside their picture already."""
    labels: dict[tuple[str, str], list[str]] = {}
    for metric in metrics:
        labels.setdefault((metric["check"], metric["name"]), []).append(metric["label"])
    by_class = [key for key, given in labels.items() if len([label for label in given if label]) > 1]
    tables: list[dict[str, Any]] = []
    whole = [metric for metric in metrics if (metric["check"], metric["name"]) not in by_class or not metric["label"]]
    by_class = [key for key in by_class if key[1] not in pictured]
    if whole:
        tables.append({"title": _("Of the whole"), "columns": [], "rows": whole})
    alike: dict[frozenset[str], list[tuple[str, str]]] = {}
    for key in by_class:
        alike.setdefault(frozenset(label for label in labels[key] if label), []).append(key)
    for keys in alike.values():
        for start in range(0, len(keys), MOST_COLUMNS):
            tables.append(_by_class(metrics, keys[start : start + MOST_COLUMNS]))
    return tables


def _by_class(metrics: Sequence[Metric], keys: list[tuple[str, str]]) -> dict[str, Any]:
    kind = kind_of(*keys[0])
    cells: dict[str, dict[tuple[str, str], Metric]] = {}
    for metric in metrics:
        key = (metric["check"], metric["name"])
        if key in keys and metric["label"]:
            cells.setdefault(metric["label"], {})[key] = metric
    columns = []
    for key in keys:
        first = next(metric for metric in metrics if (metric["check"], metric["name"]) == key)
        columns.append({"name": first["words"]["measure"], "method": method_of(first), "sample": _kind(first)})
    return {
        "title": _("Of each %(kind)s") % {"kind": kind},
        "kind": kind[:1].upper() + kind[1:],
        "columns": columns,
        "rows": [{"label": label, "cells": [_cell(found.get(key)) for key in keys]} for label, found in cells.items()],
    }


def method_of(metric: Metric) -> str:
    """How sure, and by which method: "95 %, jeffreys"."""
    sure = f"{metric['confidence'] * 100:g} %, " if metric["confidence"] is not None else ""
    return f"{sure}{metric['method']}"


def _cell(metric: Metric | None) -> dict[str, str] | None:
    if metric is None:
        return None
    words = metric["words"]
    # An interval with one end, and a number that was counted, say so in their own words.
    beneath = _("n = %(n)s") % {"n": f"{metric['n']:,}"} if words["bounds"] else words["interval"]
    return {"value": words["value"], "bounds": words["bounds"], "rows": beneath}


def _kind(metric: Metric) -> str:
    """What is counted as a row of this measure: "rows predicted as the class"; it stands above the column once."""
    number, _space, kind = metric["words"]["rows"].partition(" ")
    return kind if number.replace(",", "").isdigit() and metric["n"] != 1 else ""
