"""That the card says something under the fields that the policy names: {"kind": "card_sections", "sections": ["contact", …]}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import named, only
from models_registry.cards import FIELDS, MISSING


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand, "sections")
    return {**demand, "sections": named(demand, "sections", [field.key for field in FIELDS])}


def words(demand: Mapping[str, Any]) -> str:
    asked = [str(field.label) for field in FIELDS if field.key in demand["sections"]]
    return _("The card says something under: %(fields)s.") % {"fields": ", ".join(asked)}


def answer(question: Question) -> list[Answer]:
    card = question.material.card
    content = card.content if card else {}
    href = reverse("models_registry:version", args=[question.version.pk])
    asked = [field for field in FIELDS if field.key in question.demand["sections"]]
    empty = [field for field in asked if content.get(field.key, "").strip().lower() in {"", MISSING}]
    if empty:
        said = _("The card says nothing under “%(field)s”: revise it.")
        return [Answer(Outcome.NOT_MET, said % {"field": field.label}, field.key, href) for field in empty]
    said = _("The card says something under: %(fields)s.")
    return [Answer(Outcome.MET, said % {"fields": ", ".join(str(field.label) for field in asked)}, href=href)]
