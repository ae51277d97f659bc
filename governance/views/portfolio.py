"""The portfolio as a page: every cell leads to the models that it counts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.overdue import ANY, kinds
from governance.portfolio import TIERS, Portfolio, portfolio_of
from models_registry.models import RiskTier, Version
from models_registry.narrowing import NONE


@require_safe
def portfolio(request: HttpRequest) -> HttpResponse:
    """Tier by state of the latest version, and what is overdue."""
    found = portfolio_of(request.user)
    context = {
        "models": found.models,
        "states": [(state, _state_words(state)) for state in found.states],
        "rows": [_row(found, tier) for tier in TIERS if found.of(tier).models],
        "totals": [_cell(found, state=state) for state in found.states],
        "total": _cell(found),
        "overdue": [_overdue(found, name, str(kind.title)) for name, kind in zip(kinds.names(), kinds, strict=True)],
    }
    return render(request, "governance/portfolio.html", context)


def _row(found: Portfolio, tier: str) -> dict[str, Any]:
    return {
        "tier": "" if tier == NONE else tier,
        "words": _("Not stated") if tier == NONE else RiskTier(tier).label,
        "cells": [_cell(found, tier=tier, state=state) for state in found.states],
        "total": _cell(found, tier=tier),
    }


def _cell(found: Portfolio, *, tier: str = "", state: str = "") -> dict[str, Any]:
    cell = found.of(tier, state)
    return {
        "state": state,
        "words": _state_words(state) if state else _("All"),
        "models": cell.models,
        "overdue": cell.overdue,
        "href": _models(tier=tier, state=state),
        "overdue_href": _models(tier=tier, state=state, overdue=ANY),
    }


def _overdue(found: Portfolio, name: str, title: str) -> dict[str, Any]:
    tiers = [
        (_("Not stated") if tier == NONE else RiskTier(tier).label, found.overdue(name, tier), _models(tier=tier, overdue=name))
        for tier in TIERS
        if found.of(tier).models
    ]
    return {"title": title, "tiers": tiers, "models": found.overdue(name), "href": _models(overdue=name)}


def _state_words(state: str) -> str:
    return _("No version yet") if state == NONE else str(Version.State(state).label)


def _models(**filters: str) -> str:
    """The list of models with these filters."""
    chosen = {name: value for name, value in filters.items() if value}
    return reverse("models_registry:models") + (f"?{urlencode(chosen)}" if chosen else "")
