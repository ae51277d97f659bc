"""How higher packages take part in a run's page: they register buttons and cards; this package shows them in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from core.registry import Registry
from tracking.models import TrainingRun


@dataclass(frozen=True, slots=True)
class Part:
    """A template with its context. Places: `actions` (in the header), `body`, `more` (beside it)."""

    place: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


run_parts: Registry[Callable[[HttpRequest, TrainingRun], list[Part]]] = Registry("part of a run's page")


def placed_parts(request: HttpRequest, run: TrainingRun) -> dict[str, list[Part]]:
    """The parts by their place, for the template."""
    places: dict[str, list[Part]] = {name: [] for name in ("actions", "body", "more")}
    for parts in run_parts:
        for part in parts(request, run):
            places[part.place].append(part)
    return places
