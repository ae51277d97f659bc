"""What each risk tier asks for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.models import PRODUCTION, Policy
from governance.policy_words import signatures_of, suites_of
from models_registry.models import RiskTier


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """What each risk tier asks for now: who signs, and task by task what is measured and what blocks."""
    asked = [(tier, Policy.objects.in_force(tier, PRODUCTION)) for tier in RiskTier]
    rows = [
        {"tier": tier, "policy": one, "suites": suites_of(one), "signatures": signatures_of(one)} for tier, one in asked if one
    ]
    return render(request, "governance/policy_list.html", {"policies": rows})
