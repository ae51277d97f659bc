"""Pages that list and compare training runs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.errors import DomainError, InvalidInput
from core.paging import page_in_order
from tracking.comparing.gathering import chosen_runs, compared
from tracking.comparing.measuring import Direction
from tracking.comparing.page import LETTERS, charts_of, drawn_names, metrics_of, part_of, titled
from tracking.models import Experiment, TrainingRun
from tracking.parts import buttons_of
from tracking.presenting import patch_of
from tracking.searching.asked import Asked, Header, asked_by, experiment_in, header
from tracking.searching.hints import hints_for
from tracking.searching.language.fields import ATTRIBUTES
from tracking.searching.language.tree import Attribute, Metric, Param
from tracking.searching.listing import Columns, rows_of

PAGE = 30
_HEAVY = [f"{whose}{name}" for whose in ("", "parent__") for name in ("environment", "training", "heard")] + ["parent__params"]
MOST_EXPERIMENTS = 500  # in one list; beyond, the filter asks for them by name


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """The training runs that the person sees and asks for."""
    asked = asked_by(request.GET)
    visible = Experiment.objects.visible_to(request.user).select_related("team")
    experiments = list(visible.shown().order_by("name", "pk")[:MOST_EXPERIMENTS])
    context: dict[str, Any] = {"asked": asked, "experiments": experiments, "refusal": ""}
    runs = TrainingRun.objects.visible_to(request.user).shown().with_parts().defer(*_HEAVY)
    try:
        if experiment := experiment_in(asked, experiments, visible):
            runs = runs.filter(experiment=experiment)
    except InvalidInput as refusal:
        context["refusal"] = str(refusal)
    if asked.refused or context["refusal"]:
        return render(request, "tracking/run_list.html", context, status=422)
    found, order = asked.search.among(runs)
    page = page_in_order(request, found, order, size=PAGE)
    columns, rows = rows_of(page.rows, asked.search, metrics=asked.metrics, params=asked.params)
    context |= {"page": page, "rows": rows, "columns": columns, "headers": _headers(request, asked, columns)}
    if not rows:
        context["hints"] = hints_for(asked.search.filter, runs)
    return render(request, "tracking/run_list.html", context)


def _headers(request: HttpRequest, asked: Asked, columns: Columns) -> dict[str, Any]:
    def of(name: str, label: str) -> Header:
        return header(request, asked, Attribute(name, ATTRIBUTES[name]), label)

    return {
        "name": of("name", _("Run")),
        "state": of("state", _("State")),
        "metrics": [header(request, asked, Metric(name), name) for name in columns.metrics],
        "params": [header(request, asked, Param(name), name) for name in columns.params],
        "started": of("started_at", _("Started")),
        "duration": of("duration", _("Duration")),
        "user": of("user", _("Reported by")),
        "commit": of("commit", _("Commit")),
    }


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Two to eight runs side by side."""
    try:
        runs = chosen_runs(request.GET.getlist("run"), by=request.user)
    except DomainError as refusal:
        status = refusal.status if "run" in request.GET else 200  # without any run nobody asked for anything yet
        return render(request, "tracking/compare_refused.html", {"refusal": str(refusal)}, status=status)
    comparison = compared(runs, lower=request.GET.getlist(Direction.LOWER), higher=request.GET.getlist(Direction.HIGHER))
    metrics, more_metrics = metrics_of(comparison, request.GET)
    patches = [patch_of(run.artifacts.all()) for run in runs]
    context: dict[str, Any] = {
        "compared": comparison,
        "titled": titled(runs, request.GET),
        "metrics": metrics,
        "more_metrics": more_metrics,
        "charts": charts_of(comparison, drawn_names(comparison, request.GET)),
        "params": part_of(comparison.params),
        "code": part_of(comparison.code),
        "machine": part_of(comparison.machine),
        "packages": part_of(comparison.packages),
        "patches": [(one, patch) for one, patch in zip(titled(runs, request.GET), patches, strict=True) if patch],
        "commits": [(LETTERS[place + 1], address) for place, address in enumerate(comparison.commits) if address],
    }
    for one in context["titled"]:
        one["buttons"] = buttons_of(request, one["run"])
    return render(request, "tracking/compare.html", context)
