"""The Checks tab of a version, and the drawings of its charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from core import blobs
from core.errors import DomainError, NotAllowed
from core.pages import render_page_or_fragment, see_other
from evaluations.figures import figures_of, gravest_first
from evaluations.heads import head_of
from evaluations.holdouts import marks_of
from evaluations.models import Chart, EvaluationRun
from evaluations.services import cancel_run, repeat_run, verdict_of
from evaluations.verdicts import PASSED
from models_registry.pages import shell, visible_version
from models_registry.sandbox_words import words_of

MOST_PASSED = 8  # thresholds that are met; more stand behind one line


@require_safe
def checks(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What was measured: the verdict first, failed checks before passed ones, then every number with its interval."""
    version = visible_version(request, pk)
    runs = (
        EvaluationRun.objects.with_results().filter(version=version).prefetch_related("repeats__metrics").order_by("-queued_at")
    )
    marks = marks_of(runs)
    shown, places = [], Counter[UUID]()
    for run in _each_with_its_repeats(runs):
        places[run.dataset_version_id] += 1
        head = head_of(run, by=request.user, mark=marks[run.pk], nth=places[run.dataset_version_id])
        shown.append(_shown(run, head))
    inspection = getattr(version, "inspection", None)
    inspecting = inspection is not None and inspection.state in {"queued", "running"}
    busy = inspecting or any(one["run"].state in {"queued", "running"} for one in shown)
    context = {**shell(version), "runs": shown, "busy": busy, "inspection": inspection, "inspecting": inspecting}
    return render_page_or_fragment(request, "evaluations/checks.html", "runs", context)


def _each_with_its_repeats(runs: Iterable[EvaluationRun]) -> list[EvaluationRun]:
    """The newest first, and behind each run those that repeat it."""
    rows = list(runs)
    repeats: dict[UUID, list[EvaluationRun]] = {}
    for run in rows:
        if run.repeats_id is not None:
            repeats.setdefault(run.repeats_id, []).append(run)
    return [one for run in rows if run.repeats_id is None for one in (run, *repeats.get(run.pk, []))]


def _shown(run: EvaluationRun, head: dict[str, Any]) -> dict[str, Any]:
    """A run as the page shows it. Of a repeat only what differs is shown; all of its numbers stand in the API."""
    verdict = verdict_of(run)
    shown = {"run": run, "verdict": verdict, "head": head, "sandbox": words_of(run.sandbox)}
    if run.repeats_id is not None:
        return shown | {"sections": []}
    judged = gravest_first(verdict.checks) if run.state in {run.State.COMPLETED, run.State.ERRORED} else []
    passed = [check for check in judged if check.outcome == PASSED]
    return {
        **shown,
        "blocking": [check for check in judged if check.outcome != PASSED],
        "passed": passed,
        "fold_passed": len(passed) > MOST_PASSED or len(passed) < len(judged),
        "sections": figures_of(run, verdict) if run.state == run.State.COMPLETED else [],
    }


@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The run is called off, or the page says why not."""
    return _done(request, _visible_run(request, pk), cancel_run)


@require_POST
def repeat(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The run is measured once more, or the page says why not."""
    return _done(request, _visible_run(request, pk), repeat_run)


def _visible_run(request: HttpRequest, pk: UUID) -> EvaluationRun:
    return get_object_or_404(EvaluationRun.objects.visible_to(request.user).select_related("version__model__team"), pk=pk)


def _done(request: HttpRequest, run: EvaluationRun, deed: Callable[..., EvaluationRun]) -> HttpResponse:
    try:
        deed(run, by=request.user)
    except NotAllowed as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return see_other(request, reverse("evaluations:checks", args=[run.version_id]))


@require_safe
@cache_control(private=True, max_age=86_400, immutable=True)
def chart(request: HttpRequest, pk: int, theme: str) -> FileResponse:
    """The drawing of a chart that the person may see; it never changes."""
    runs = EvaluationRun.objects.visible_to(request.user)
    found = get_object_or_404(Chart.objects.filter(run__in=runs), pk=pk)
    digest = found.dark_digest if theme == "dark" else found.light_digest
    return FileResponse(blobs.open_blob(digest), content_type="image/svg+xml")
