"""How models and versions are found: by name, "digit-reader v3", and by the beginning of a checkpoint's digest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from core.searching import MOST, Hit
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from accounts.models import Person

NUMBERED = re.compile(r"(?P<name>\S+)\s+v?(?P<number>\d{1,9})\Z")


def models(person: Person, words: str, digest: str) -> list[Hit]:
    """Models by a part of their name."""
    rows = RegisteredModel.objects.visible_to(person).filter(name__icontains=words).select_related("team").order_by("name", "pk")
    return [Hit(one.name, one.get_absolute_url(), str(one.team), one.created_at) for one in rows[:MOST]]


def versions(person: Person, words: str, digest: str) -> list[Hit]:
    """Versions by name and number, and by the digest of their checkpoint."""
    rows = Version.objects.visible_to(person).select_related("model__team").order_by("-created_at")
    named = NUMBERED.match(words)
    if named:
        rows = rows.filter(model__name__icontains=named["name"], number=int(named["number"]))
    elif digest:
        rows = rows.filter(checkpoint_digest__startswith=f"sha256:{digest}")
    else:
        return []
    return [Hit(str(one), one.get_absolute_url(), _detail(one), one.created_at) for one in rows[:MOST]]


def _detail(version: Version) -> str:
    return f"{version.model.team} · {version.get_state_display()}"
