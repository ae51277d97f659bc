"""Pages about training runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.clock import now
from core.components import formatting
from core.pages import render_page_or_fragment
from tracking.figures import View, figures_of
from tracking.logged import logged_models_of
from tracking.models import TrainingRun
from tracking.parts import placed_parts
from tracking.presenting import MOST_RELATED, hardware_of, no_code_of, params_of, patch_of, seeds_of, texts_of, tree_of
from tracking.standing import SILENT, early_stopping_of, schedule_of, standing_of

LOOKS_AGAIN, WHEN_SILENT = "5s", "30s"


@require_safe
def run(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One training run as it was reported. While it runs, the page asks for its figures again; with the last of them come all
    facts, because more of them were reported meanwhile."""
    found = get_object_or_404(TrainingRun.objects.visible_to(request.user).with_parts(), pk=pk)
    standing = standing_of(found, at=now())
    schedule, settings = schedule_of(found)
    context = {
        "run": found,
        "standing": standing,
        "every": WHEN_SILENT if standing.look == SILENT else LOOKS_AGAIN,
        "seconds": _seconds(found),
        "stopping": early_stopping_of(found),
        "schedule": schedule,
        "schedule_settings": settings,
        **figures_of(found, View.asked(request.GET)),
    }
    context["schedule_alone"] = (schedule or settings) and not any(group.kind == "rate" for group in context["groups"])
    fragment = request.headers.get("HX-Request") == "true"
    if not fragment or not standing.live:
        context |= {"fragment": fragment, "facts": True, **_facts(request, found)}
    return render_page_or_fragment(request, "tracking/run.html", "figures", context)


def _facts(request: HttpRequest, found: TrainingRun) -> dict[str, Any]:
    artifacts = list(found.artifacts.all())
    children = list(found.children.filter(hidden_at=None).order_by("-id")[: MOST_RELATED + 1])
    params, many = params_of(found)
    return {
        "parts": placed_parts(request, found),
        "params": params,
        "params_note": _("the first %(shown)d of %(all)d") % {"shown": len(params), "all": many} if many > len(params) else "",
        "tags": texts_of(found.tags),
        "data": found.data.select_related("dataset_version__dataset"),
        "logged_models": logged_models_of(found),
        "patch": patch_of(artifacts),
        "patch_note": _("shown, never applied"),
        "tree": tree_of(artifacts),
        "artifacts_note": formatting.size(sum(one.size for one in artifacts)) if artifacts else "",
        "no_code": no_code_of(found),
        "hardware": hardware_of(found),
        "libraries": texts_of(found.training.get("libraries")),
        "seeds": seeds_of(found),
        "children": [
            {"name": one.name, "get_absolute_url": one.get_absolute_url(), "look": standing_of(one, at=now()).look}
            for one in children[:MOST_RELATED]
        ],
        "more_children": len(children) > MOST_RELATED,
    }


def _seconds(found: TrainingRun) -> float | None:
    if found.started_at is None:
        return None
    ended = found.ended_at or (found.heard_at if found.state == TrainingRun.State.RUNNING else None)
    return max(0.0, (ended - found.started_at).total_seconds()) if ended else None
