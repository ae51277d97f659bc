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

# Buttons of a run where it stands beside others, as in a comparison: none of these may ask the database.
run_buttons: Registry[Callable[[HttpRequest, TrainingRun], list[Part]]] = Registry("button of a run")


def buttons_of(request: HttpRequest, run: TrainingRun) -> list[Part]:
    """The buttons of a run that stands beside others."""
    return [part for buttons in run_buttons for part in buttons(request, run)]


def placed_parts(request: HttpRequest, run: TrainingRun) -> dict[str, list[Part]]:
    """The parts by their place, for the template."""
    places: dict[str, list[Part]] = {name: [] for name in ("actions", "body", "more")}
    for parts in (*run_buttons, *run_parts):
        for part in parts(request, run):
            places[part.place].append(part)
    return places
