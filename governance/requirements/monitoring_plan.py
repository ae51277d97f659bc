"""That it is said how the version is watched in production, and that this has something to compare with:
{"kind": "monitoring_plan"}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import only
from models_registry.cards import MISSING, MONITORING


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand)
    return demand


def words(demand: Mapping[str, Any]) -> str:
    return _("The card says how it is watched in production, and what it predicted on its test data is kept to compare with.")


def answer(question: Question) -> list[Answer]:
    version = question.version
    card = question.material.card
    stated = (card.content if card else {}).get(MONITORING, "").strip().lower() not in {"", MISSING}
    page = reverse("models_registry:version", args=[version.pk])
    if stated:
        plan = Answer(Outcome.MET, _("The card says how the version is watched in production."), "plan", page)
    else:
        said = _("The card does not say how the version is watched in production: write it under “Monitoring”.")
        plan = Answer(Outcome.NOT_MET, said, "plan", page)
    return [plan, _reference(question)]


def _reference(question: Question) -> Answer:
    """Drift is told from what the version predicted on its test data."""
    checks = reverse("evaluations:checks", args=[question.version.pk])
    if any(run.reference for run, _verdict in question.verdicts if run.state == run.State.COMPLETED):
        said = _("What it predicted on its test data is kept, so that production can be compared with it.")
        return Answer(Outcome.MET, said, "reference", checks)
    said = _("No evaluation has kept what it predicts on its test data yet, so production could be compared with nothing.")
    return Answer(Outcome.NOT_ASSESSED, said, "reference", checks)
