"""How higher packages take part in the page of a dataset version: they register parts, and this package shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from core.registry import Registry
from data_registry.models import DatasetVersion


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the page: a template with its context, as `part`."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


version_parts: Registry[Callable[[HttpRequest, DatasetVersion], list[Part]]] = Registry("part of a dataset version's page")
