"""What the pages of training runs show of this package: the versions that stand on a run, and the way to one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.http import HttpRequest

from models_registry.models import Version
from models_registry.permissions import can_register
from tracking.figures import View, figures_of
from tracking.models import TrainingRun
from tracking.parts import Part
from tracking.presenting import hardware_of, params_of, texts_of
from tracking.services.fixing import fixed_digest
from tracking.standing import early_stopping_of

if TYPE_CHECKING:
    from accounts.models import Person

MOST = 50


def versions_of(request: HttpRequest, run: TrainingRun) -> list[Part]:
    """A card that links them, newest first; nothing where there is none."""
    versions = list(
        Version.objects.visible_to(cast("Person", request.user))
        .filter(training_run=run)
        .select_related("model")
        .order_by("-pk")[:MOST]
    )
    return [Part("more", "models_registry/part_run_versions.html", {"versions": versions})] if versions else []


def register_button(request: HttpRequest, run: TrainingRun) -> list[Part]:
    """The way to a version, for whoever may begin one of a run that has ended. Asks the database for nothing."""
    if run.hidden_at or run.state == TrainingRun.State.RUNNING or not can_register(cast("Person", request.user), run.team):
        return []
    return [Part("actions", "models_registry/part_register_button.html", {"run": run})]


def training_of(run: TrainingRun) -> dict[str, Any]:
    """What a version's Evidence page shows of its run, in a constant number of queries; all of it claimed."""
    figures = figures_of(run, View())
    params, many = params_of(run)
    return {
        "digest": fixed_digest(run),
        "stopping": early_stopping_of(run),
        "seeds": texts_of(run.training.get("seeds")),
        "libraries": texts_of(run.training.get("libraries")),
        "hardware": hardware_of(run),
        "data": run.data.select_related("dataset_version__dataset")[:MOST],
        "params": params,
        "many": many,
        "rows": figures["rows"],
        "groups": figures["groups"],
    }
