"""That the model's tier was assessed, and is not too low: {"kind": "risk_assessment", "max_age_days": 365} (the age optional)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import clock
from core.errors import InvalidInput
from data_registry.special import SPECIAL
from governance.assessing import METHODS, categories_words, rank
from governance.models import RiskAssessment
from governance.requirements import Answer, Outcome, Question
from governance.requirements.parameters import only
from models_registry.models import RiskTier


def check(demand: Mapping[str, Any]) -> Mapping[str, Any]:
    only(demand, "max_age_days")
    days = demand.get("max_age_days", 1)
    if type(days) is not int or not 1 <= days <= 3650:
        raise InvalidInput(_("“max_age_days” is a whole number from 1 to 3,650."), code="requirement_parameter")
    return demand


def words(demand: Mapping[str, Any]) -> str:
    said = _("The risk of the model was assessed, and a second person put the assessment into force.")
    days = demand.get("max_age_days")
    if not days:
        return said
    age = ngettext("It is not older than %(days)d day.", "It is not older than %(days)d days.", days) % {"days": days}
    return f"{said} {age}"


def answer(question: Question) -> list[Answer]:
    model = question.version.model
    page = reverse("governance:assessments", args=[model.pk])
    found = RiskAssessment.objects.active().filter(model=model).first()
    if found is None:
        said = _("The risk tier of the model is stated, not assessed: fill in an assessment and have somebody else activate it.")
        return [Answer(Outcome.NOT_ASSESSED, said, href=page)]
    return [Answer(*_of(found, question), href=found.get_absolute_url())]


def _of(found: RiskAssessment, question: Question) -> tuple[Outcome, str]:
    tier = question.version.model.risk_tier
    words: dict[str, Any] = {"number": found.number, "tier": RiskTier(found.tier).label.lower()}
    if rank(found.tier) > rank(tier):
        return Outcome.NOT_MET, _("Risk assessment %(number)s comes to %(tier)s, and the model has a lower tier.") % words
    days = question.demand.get("max_age_days")
    if days and found.activated_at and clock.now() > found.activated_at + timedelta(days=days):
        words["days"] = days
        return Outcome.NOT_MET, _("Risk assessment %(number)s is older than %(days)s days: assess the model anew.") % words
    if new := _protected(question) - set(found.categories):
        least = METHODS[found.method_version].special_tier
        if rank(found.tier) < rank(least):
            words["what"] = categories_words(new)
            said = _(
                "Risk assessment %(number)s knew nothing of the specially protected data that reach this version (%(what)s)."
            )
            return Outcome.NOT_MET, said % words
    return Outcome.MET, _("Risk assessment %(number)s is in force: %(tier)s.") % words


def _protected(question: Question) -> set[str]:
    return {flag.category for flag in question.material.personal.present if flag.category in SPECIAL}
