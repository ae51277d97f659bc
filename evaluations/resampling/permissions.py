"""Who may cross-validate a version: whoever may draft its versions, because they are the ones who train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.decisions import Decision
from models_registry.permissions import can_edit

if TYPE_CHECKING:
    from accounts.models import Person
    from models_registry.models import Version


def can_resample(person: Person, version: Version) -> Decision:
    """As for drafting the version."""
    return can_edit(person, version)
