"""Which version a version is compared with."""

from __future__ import annotations

from models_registry.models import Inspection, Version


def previous_of(version: Version) -> Version | None:
    """The version of the same model that was approved last; where none is, the one before it whose weights were had."""
    earlier = Version.objects.filter(
        model=version.model_id,
        number__lt=version.number,
        inspection__state=Inspection.State.COMPLETED,
        inspection__verdict__in=[Inspection.Verdict.ACCEPTED, Inspection.Verdict.SALVAGEABLE],
    ).order_by("-number")
    return earlier.filter(state__in=Version.APPROVED).first() or earlier.first()
