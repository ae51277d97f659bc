"""What the page of a training run shows of this package: the versions that stand on the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest

from models_registry.models import Version
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
