"""The models that a training logged, as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from core.charts.line_table import figure
from tracking.models import LoggedModel, LoggedModelUse, TrainingRun

MOST, MOST_FIGURES = 50, 20  # models of a run, and figures of each, that are shown


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: str
    data: str  # the name of the data that it was measured on, where the client said so


@dataclass(frozen=True, slots=True)
class Logged:
    model: LoggedModel
    made: bool  # False: the run began with it
    step: int | None  # None: not said
    figures: list[Figure]
    more: int  # figures that are not shown
    files: int
    bytes: int


def logged_models_of(run: TrainingRun) -> dict[str, Any] | None:
    """The latest models that the run made or began with, what was reported of each, and its files; None where there is none."""
    begun_with_or_made = Q(run=run) | Q(pk__in=LoggedModelUse.objects.filter(run=run).values("model"))
    counted = LoggedModel.objects.filter(begun_with_or_made, hidden_at=None).annotate(
        n=Count("files"), size=Sum("files__size", default=0)
    )
    found = list(counted.order_by("-pk")[: MOST + 1])
    if not found:
        return None
    uses = LoggedModelUse.objects.filter(run=run, model__in=found).order_by("made")
    used = {use.model_id: (use.made, use.step) for use in uses}  # what it both began with and made, it made
    rows = [_logged(model, *used.get(model.pk, (True, None))) for model in found[:MOST]]
    return {"rows": rows, "note": _("the latest %(most)d") % {"most": MOST} if len(found) > MOST else ""}


def _logged(model: Any, made: bool, step: int | None) -> Logged:
    latest: dict[tuple[str, str], Figure] = {}
    for one in sorted(model.metrics, key=lambda one: (one.get("step") or 0, one.get("timestamp") or 0)):
        name, data = str(one.get("key", "")), str(one.get("dataset_name") or "")
        latest[name, data] = Figure(name, figure(float(one["value"])), data)
    figures = [latest[key] for key in sorted(latest)]
    return Logged(model, made, step, figures[:MOST_FIGURES], max(0, len(figures) - MOST_FIGURES), model.n, model.size)
