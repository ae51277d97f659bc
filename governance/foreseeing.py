"""Requirements that a dry run can answer for many versions at once, each in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from data_registry.models import DatasetVersion
from models_registry.cards import FIELDS, MISSING, MONITORING
from models_registry.models import ModelCard, VersionData

Foreseen = Callable[[Mapping[str, Any], list[UUID]], dict[UUID, list[str]]]


def _card_sections(demand: Mapping[str, Any], versions: list[UUID]) -> dict[UUID, list[str]]:
    return _empty_fields(versions, [field for field in FIELDS if field.key in demand["sections"]])


def _monitoring_plan(_demand: Mapping[str, Any], versions: list[UUID]) -> dict[UUID, list[str]]:
    return _empty_fields(versions, [field for field in FIELDS if field.key == MONITORING])


def _empty_fields(versions: list[UUID], asked: list[Any]) -> dict[UUID, list[str]]:
    """For each version the fields under which its latest card says nothing."""
    rows = ModelCard.objects.filter(version__in=versions).order_by("version_id", "-revision").distinct("version_id")
    empty: dict[UUID, list[Any]] = dict.fromkeys(versions, asked)  # where there is no card, all are
    for version, content in rows.values_list("version_id", "content").iterator(chunk_size=2000):
        empty[version] = [field for field in asked if content.get(field.key, "").strip().lower() in {"", MISSING}]
    said = _("The card says nothing under “%(field)s”.")
    sentences = {field.key: said % {"field": field.label} for field in asked}
    return {version: [sentences[field.key] for field in fields] for version, fields in empty.items() if fields}


def _provenance(demand: Mapping[str, Any], versions: list[UUID]) -> dict[UUID, list[str]]:
    links = set(VersionData.objects.filter(version__in=versions).order_by().values_list("version_id", "dataset_version_id"))
    data = DatasetVersion.objects.select_related("dataset").filter(pk__in={key for _version, key in links})
    gaps = {one.pk: (str(one), _unsaid(one.provenance, demand["fields"])) for one in data}
    found: dict[UUID, list[str]] = defaultdict(list)
    for version, key in sorted(links, key=str):
        name, missing = gaps[key]
        if missing:
            said = _("The provenance of %(data)s does not say: %(fields)s.")
            found[version].append(said % {"data": name, "fields": ", ".join(missing)})
    return found


def _unsaid(provenance: Mapping[str, Any], fields: list[str]) -> list[str]:
    parts = [(field, *field.split(".")) for field in fields]
    return [field for field, group, name in parts if provenance.get(group, {}).get(name) in (None, "", [], {})]


FORESEEN: dict[str, Foreseen] = {
    "card_sections": _card_sections,
    "monitoring_plan": _monitoring_plan,
    "provenance": _provenance,
}
