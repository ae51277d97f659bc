"""The filters of the list of models, as a page's address and the API's query name them; higher packages add their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Person
from accounts.visibility import teams_visible_to
from core.registry import Registry
from models_registry.models import ModelQuerySet, RiskTier, Version

NONE = "none"  # a tier that is not stated; a model without a version


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: what may stand in it, as value and words, and the models that fit a value."""

    label: str | Promise
    choices: Callable[[Person], list[tuple[str, str]]]
    fitting: Callable[[ModelQuerySet, str], ModelQuerySet]


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, and the address without it."""

    label: str
    value: str
    href: str


filters: Registry[Filter] = Registry("filter of the list of models")


@dataclass(frozen=True, slots=True)
class Field:
    """One filter as the page offers it."""

    name: str
    label: str
    choices: list[tuple[str, str]]
    chosen: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The models that fit, the filters as they are offered, those in force, and the names of those that could not be read."""

    rows: ModelQuerySet
    fields: list[Field]
    chips: list[Chip]
    unread: list[str]


def narrowed(rows: ModelQuerySet, given: Mapping[str, str], person: Person) -> Narrowing:
    """Of `rows` those that `q` and every registered filter of `given` leave."""
    kept: dict[str, tuple[str, str, str]] = {}  # name -> value, label, the value's words
    if sought := given.get("q", "").replace("\x00", "").strip():
        kept["q"] = (sought, str(_("Name contains")), sought)
        rows = rows.filter(name__icontains=sought)
    fields, unread = [], []
    for name, one in zip(filters.names(), filters, strict=True):
        choices, value = one.choices(person), given.get(name, "")
        fields.append(Field(name, str(one.label), choices, value))
        if not value:
            continue
        if value not in dict(choices):
            unread.append(name)
            continue
        kept[name] = (value, str(one.label), dict(choices)[value])
        rows = one.fitting(rows, value)
    addresses = {name: urlencode({key: kept[key][0] for key in kept if key != name}) for name in kept}
    chips = [Chip(label, words, f"?{addresses[name]}") for name, (_value, label, words) in kept.items()]
    return Narrowing(rows, fields, chips, unread)


def latest_state() -> Subquery:
    """The state of a model's latest version; nothing where it has none."""
    return Subquery(Version.objects.filter(model=OuterRef("pk")).order_by("-number").values("state")[:1])


def _of_tier(rows: ModelQuerySet, tier: str) -> ModelQuerySet:
    return rows.filter(risk_tier="" if tier == NONE else tier)


def _in_state(rows: ModelQuerySet, state: str) -> ModelQuerySet:
    if state == NONE:
        return rows.filter(versions=None)
    return rows.annotate(standing=latest_state()).filter(standing=state)


def _tiers(_person: Person) -> list[tuple[str, str]]:
    return [*((value, str(label)) for value, label in RiskTier.choices), (NONE, str(_("Not stated")))]


def _states(_person: Person) -> list[tuple[str, str]]:
    return [*((value, str(label)) for value, label in Version.State.choices), (NONE, str(_("No version yet")))]


def _teams(person: Person) -> list[tuple[str, str]]:
    return [(str(pk), name) for pk, name in teams_visible_to(person).order_by("name").values_list("pk", "name")]


def register() -> None:
    """Called once, by `ModelsRegistryConfig.ready`."""
    filters.register("tier", Filter(_("Risk tier"), _tiers, _of_tier), order=10)
    filters.register("state", Filter(_("Latest version"), _states, _in_state), order=20)
    filters.register("team", Filter(_("Team"), _teams, lambda rows, team: rows.filter(team=UUID(team))), order=40)
