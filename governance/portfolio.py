"""The portfolio: how many models of which risk are in which state, and where something is overdue; always one query."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, Count, ExpressionWrapper

from accounts.models import Person
from governance.overdue import holds, kinds
from models_registry.models import RegisteredModel, RiskTier, Version
from models_registry.narrowing import NONE, latest_state

TIERS = (RiskTier.HIGH.value, RiskTier.MEDIUM.value, RiskTier.LOW.value, NONE)
STATES = (*Version.State.values, NONE)


@dataclass(frozen=True, slots=True)
class Cell:
    """So many models, and of so many something is overdue."""

    models: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Portfolio:
    """Counts by (tier, state of the latest version); `kinds` by (tier, kind of being overdue)."""

    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    kinds: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def models(self) -> int:
        return sum(cell.models for cell in self.cells.values())

    @property
    def states(self) -> list[str]:
        """Those that some model is in, in the order in which a version goes through them."""
        seen = {state for _tier, state in self.cells}
        return [state for state in STATES if state in seen]

    def of(self, tier: str = "", state: str = "") -> Cell:
        """The models of this tier and in this state; without one of them, of all."""
        found = [cell for (t, s), cell in self.cells.items() if tier in ("", t) and state in ("", s)]
        return Cell(sum(cell.models for cell in found), sum(cell.overdue for cell in found))

    def overdue(self, kind: str, tier: str = "") -> int:
        return sum(count for (t, k), count in self.kinds.items() if k == kind and tier in ("", t))


def portfolio_of(person: Person) -> Portfolio:
    """Of all models that the person sees."""
    names = kinds.names()
    late = {f"late_{name}": ExpressionWrapper(holds(name), output_field=BooleanField()) for name in names}
    rows = RegisteredModel.objects.visible_to(person).order_by().annotate(standing=latest_state(), **late)
    models: Counter[tuple[str, str]] = Counter()
    overdue: Counter[tuple[str, str]] = Counter()
    by_kind: Counter[tuple[str, str]] = Counter()
    grouped: Any = rows.values("risk_tier", "standing", *late).annotate(models=Count("pk"))
    for row in grouped:
        tier, count = row["risk_tier"] or NONE, row["models"]
        place = (tier, row["standing"] or NONE)
        models[place] += count
        held = [name for name in names if row[f"late_{name}"]]
        overdue[place] += count if held else 0
        for name in held:
            by_kind[tier, name] += count
    return Portfolio({place: Cell(count, overdue[place]) for place, count in models.items()}, dict(by_kind))
