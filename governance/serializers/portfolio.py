"""The portfolio in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core import clock
from governance.overdue import kinds
from governance.portfolio import STATES, TIERS, Portfolio


class PortfolioCellOutput(serializers.Serializer):
    tier = serializers.ChoiceField(choices=TIERS, help_text="none: not stated")
    state = serializers.ChoiceField(choices=STATES, help_text="of the latest version; none: there is none yet")
    models = serializers.IntegerField()
    overdue = serializers.IntegerField(help_text="of these models, where anything is overdue")


class PortfolioOverdueOutput(serializers.Serializer):
    kind = serializers.CharField()
    tier = serializers.ChoiceField(choices=TIERS)
    models = serializers.IntegerField()


class PortfolioOutput(serializers.Serializer):
    at = serializers.DateTimeField()
    models = serializers.IntegerField()
    cells = PortfolioCellOutput(many=True, help_text="of which there is at least one model; GET models/?tier=&state= lists them")
    overdue = PortfolioOverdueOutput(many=True, help_text="GET models/?tier=&overdue= lists them")


def portfolio(found: Portfolio) -> dict[str, Any]:
    """`PortfolioOutput` of the counts."""
    cells = [
        {"tier": tier, "state": state, "models": cell.models, "overdue": cell.overdue}
        for tier in TIERS
        for state in STATES
        if (cell := found.cells.get((tier, state)))
    ]
    late = [
        {"kind": kind, "tier": tier, "models": count}
        for kind in kinds.names()
        for tier in TIERS
        if (count := found.overdue(kind, tier))
    ]
    shown = {"at": clock.now(), "models": found.models, "cells": cells, "overdue": late}
    return dict(PortfolioOutput(shown).data)
