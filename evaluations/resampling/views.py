"""The Cross-validation tab of a version, and its charts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from core import blobs
from core.pages import render_page_or_fragment
from evaluations import wording
from evaluations.figures import figure_of
from evaluations.resampling.combining import headline_of, number_of
from evaluations.resampling.models import WHOLE, Fold, Resampling
from models_registry.pages import shell, visible_version
from models_registry.sandbox_words import words_of

MOST = 20  # sets on the page; the API has all
MANY = 12  # parts; beyond, their table is folded


@require_safe
def version(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Each set with its numbers, how far its parts lie apart, and every part with its rows and its state."""
    found = visible_version(request, pk)
    rows = list(Resampling.objects.filter(version=found).with_parts()[: MOST + 1])
    total = Resampling.objects.filter(version=found).count() if len(rows) > MOST else len(rows)
    shown = [_shown(one, number=total - place) for place, one in enumerate(rows[:MOST])]
    busy = any(one["state"] in {"queued", "running"} for one in shown)
    context = {**shell(found), "sets": shown, "busy": busy, "more": len(rows) > MOST}
    return render_page_or_fragment(request, "evaluations/resampling.html", "sets", context)


def _shown(resampling: Resampling, *, number: int) -> dict[str, Any]:
    combination = getattr(resampling, "combination", None)
    metrics = combination.metrics if combination else []
    folds = list(resampling.folds.all())
    headline = headline_of(metrics or next((fold.metrics for fold in folds if fold.metrics), []))
    return {
        "number": number,  # in the order in which they were begun
        "resampling": resampling,
        "state": resampling.standing,
        "error": combination.error if combination else "",
        "numbers": [figure_of(number_of(one)) for one in metrics],
        "left_out": combination.facts.get("left_out", []) if combination else [],
        "charts": [_chart(resampling, number, one) for number, one in enumerate(combination.charts)] if combination else [],
        "headline": wording.name_of(headline["name"], headline.get("label") or "") if headline else "",
        "parts": [_part(fold, headline) for fold in folds],
        "done": sum(fold.state == Fold.State.COMPLETED for fold in folds),
        "received": len(resampling.checkpoints.all()),
        "few": len(folds) <= MANY,
        "sandboxes": _sandboxes(folds),
        "results_digest": combination.results_digest if combination else "",
    }


def _sandboxes(folds: list[Fold]) -> list[tuple[str, Any]]:
    """What the sandboxes of the parts say of themselves: those that say the same stand together."""
    alike: dict[str, tuple[list[str], Any]] = {}
    for fold in folds:
        words = words_of(fold.sandbox)
        if words is not None:
            key = "|".join([words.level, words.held, words.open, words.unchecked])
            alike.setdefault(key, ([], words))[0].append(fold.name)
    if len(alike) == 1:
        return [(_("Sandbox of each part"), words) for _names, words in alike.values()]
    return [(", ".join(names), words) for names, words in alike.values()]


def _part(fold: Fold, headline: Any) -> dict[str, Any]:
    found = [
        number_of(one, check="part")
        for one in fold.metrics
        if headline and (one["name"], one.get("label") or "") == (headline["name"], headline.get("label") or "")
    ]
    return {"fold": fold, "whole": fold.number == WHOLE, "metric": found[0] if found else None}


def _chart(resampling: Resampling, number: int, one: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": one["title"],
        "description": one["description"],
        "table": one["table"],
        "light_url": reverse("resampling:chart", args=[resampling.pk, number, "light"]),
        "dark_url": reverse("resampling:chart", args=[resampling.pk, number, "dark"]),
    }


@require_safe
@cache_control(private=True, max_age=86_400, immutable=True)
def chart(request: HttpRequest, pk: str, number: str, theme: str) -> FileResponse:
    """The drawing of a set's chart that the person may see; it never changes."""
    try:
        key = UUID(pk)
    except ValueError as error:
        raise Http404 from error
    found = get_object_or_404(Resampling.objects.visible_to(request.user).select_related("combination"), pk=key)
    charts = getattr(getattr(found, "combination", None), "charts", [])
    if int(number) >= len(charts):
        raise Http404
    return FileResponse(blobs.open_blob(charts[int(number)][theme]), content_type="image/svg+xml")
