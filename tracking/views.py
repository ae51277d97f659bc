"""Pages about training runs."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from core.paging import page_by_key
from tracking.curves import curve_of
from tracking.models import TrainingRun


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """The training runs that the person sees, newest first."""
    runs = TrainingRun.objects.visible_to(request.user).select_related("team", "created_by")
    return render(request, "tracking/run_list.html", {"page": page_by_key(request, runs)})


@require_safe
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One training run as it was reported: facts, code, environment, curves."""
    runs = TrainingRun.objects.visible_to(request.user).select_related("team", "created_by")
    found = get_object_or_404(runs, pk=pk)
    curves = [curve_of(series, series.points().in_order()) for series in found.series.order_by("name").prefetch_related("chunks")]
    return render(request, "tracking/run.html", {"run": found, "curves": curves, "seconds": _seconds(found)})


def _seconds(found: TrainingRun) -> float | None:
    if found.started_at is None or found.ended_at is None:
        return None
    return (found.ended_at - found.started_at).total_seconds()
