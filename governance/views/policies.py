"""What each risk tier asks for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.models import Policy
from governance.policy_words import signatures_of, suites_of
from models_registry.models import RiskTier


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """What each risk tier asks for now: who signs, and task by task what is measured and what blocks."""
    latest = Policy.objects.filter(state=Policy.State.PUBLISHED).order_by("risk_tier", "-published_at").distinct("risk_tier")
    rank = {tier: place for place, tier in enumerate(RiskTier.values)}
    policies = sorted(latest, key=lambda policy: rank[policy.risk_tier])
    rows = [{"policy": one, "suites": suites_of(one), "signatures": signatures_of(one)} for one in policies]
    return render(request, "governance/policy_list.html", {"policies": rows})
