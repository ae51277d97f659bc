"""How datasets are found: by name, and a version by the beginning of its digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.searching import MOST, Hit
from data_registry.models import Dataset, DatasetVersion

if TYPE_CHECKING:
    from accounts.models import Person


def datasets(person: Person, words: str, digest: str) -> list[Hit]:
    """Datasets by a part of their name, and versions by their digest."""
    rows = Dataset.objects.visible_to(person).filter(name__icontains=words).select_related("team").order_by("name", "pk")
    found = [Hit(str(one), one.get_absolute_url(), str(one.team), one.created_at) for one in rows[:MOST]]
    if digest:
        versions = DatasetVersion.objects.visible_to(person).filter(digest__startswith=f"sha256:{digest}")
        found += [
            Hit(str(one), one.get_absolute_url(), one.digest, one.created_at)
            for one in versions.select_related("dataset__team").order_by("-created_at")[:MOST]
        ]
    return found
