"""What the pages of training runs show of this package: the versions that stand on a run, and the way to one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest

from models_registry.models import Version
from models_registry.permissions import can_register
from tracking.models import TrainingRun
from tracking.parts import Part

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
