"""That every dataset version used says where it comes from: {"kind": "provenance", "fields": ["use.license", …]}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from data_registry.models import DatasetVersion
from data_registry.provenance import ELEMENTS, LABELS
from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import named, only

KNOWN = [f"{group}.{name}" for group, elements in ELEMENTS.items() for name in elements]


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand, "fields")
    return {**demand, "fields": named(demand, "fields", KNOWN)}


def words(demand: Mapping[str, Any]) -> str:
    return _("Every dataset version that it names says: %(fields)s.") % {"fields": _labels(demand["fields"])}


def _labels(fields: Iterable[str]) -> str:
    return ", ".join(str(LABELS[field]) for field in fields)


def answer(question: Question) -> list[Answer]:
    data = question.material.data
    if not data:
        return [Answer(Outcome.NOT_ASSESSED, _("No data are named, so where they come from is not known."))]
    return [_of(one, question.demand["fields"]) for one in data]


def _of(data: DatasetVersion, fields: list[str]) -> Answer:
    missing = []
    for field in fields:
        group, name = field.split(".")
        if data.provenance.get(group, {}).get(name) in (None, "", [], {}):
            missing.append(field)
    told = {"data": data, "fields": _labels(missing or fields)}
    if missing:
        said = _("The provenance of %(data)s does not say: %(fields)s. Name a version of them that does.")
        return Answer(Outcome.NOT_MET, said % told, str(data.pk), data.get_absolute_url())
    return Answer(Outcome.MET, _("The provenance of %(data)s says: %(fields)s.") % told, str(data.pk), data.get_absolute_url())
