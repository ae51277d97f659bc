"""How training runs are found: by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.searching import MOST, Hit
from tracking.models import TrainingRun

if TYPE_CHECKING:
    from accounts.models import Person


def runs(person: Person, words: str, digest: str) -> list[Hit]:
    """Training runs by a part of their name, the newest first."""
    rows = TrainingRun.objects.visible_to(person).filter(name__icontains=words).select_related("team").order_by("-pk")
    return [Hit(str(one), one.get_absolute_url(), str(one.team), one.created_at) for one in rows[:MOST]]
