"""Who may read the log. The ledger knows no roles: higher packages say what their people see, and nobody sees more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from core.registry import Registry
from ledger.models import Event, EventQuerySet

# Each rule answers, for a person, which events it opens to them (a `Q` over Event; an
# empty `Q()` is all), or None for nothing.
entries_visible_to: Registry[Callable[[Any], Q | None]] = Registry("rule of visibility")


def entries_seen_by(person: Any) -> EventQuerySet:
    """The events that at least one rule opens to this person; none without a rule."""
    opened = [which for rule in entries_visible_to if (which := rule(person)) is not None]
    if not opened:
        return Event.objects.none()
    if not all(opened):  # an empty Q opens everything, but Django's `Q() | Q(x)` is `Q(x)`
        return Event.objects.all()
    seen = opened[0]
    for which in opened[1:]:
        seen |= which
    return Event.objects.filter(seen)
