"""How higher packages take part in a version's pages: they register tabs and parts; this package shows them in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise

from core.registry import Registry
from models_registry.models import Version


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of a version; `address` is the name of a URL that takes the version's id."""

    label: str | Promise
    address: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the overview: a template with its context. Places: lead (what blocks), readiness, side, body, more, actions."""

    place: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column of the list of models: `of` answers for all models of a page at once, so that the list costs one query."""

    label: str | Promise
    template: str
    of: Callable[[list[Any]], dict[Any, Any]]


version_tabs: Registry[Tab] = Registry("tab of a version")
overview_parts: Registry[Callable[[HttpRequest, Version], list[Part]]] = Registry("part of a version's overview")
# Each returns, for the models of one page of the list, what stands in its column: {model's id: context of the template}.
list_columns: Registry[ListColumn] = Registry("column of the list of models")
model_parts: Registry[Callable[[HttpRequest, Any], list[Part]]] = Registry("part of a model's page")


def placed(parts: list[Part]) -> dict[str, list[Part]]:
    """The parts by their place, for the template."""
    places: dict[str, list[Part]] = {name: [] for name in ("lead", "readiness", "side", "body", "more", "actions")}
    for part in parts:
        places[part.place].append(part)
    return places


def with_columns(models: list[Any]) -> list[tuple[Any, list[dict[str, Any]]]]:
    """Each model with the cells that higher packages add: label, template and what it shows (None: nothing)."""
    columns = [(column, column.of(models)) for column in list_columns] if models else []
    return [
        (model, [{"label": column.label, "template": column.template, "cell": cells.get(model.pk)} for column, cells in columns])
        for model in models
    ]
