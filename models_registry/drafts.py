"""What the page of a draft says of the run that it was made from: which of its data it does not name, and whose card it has."""

from __future__ import annotations

from django.http import HttpRequest

from models_registry.models import Version
from models_registry.parts import Part
from models_registry.registering_runs import earlier_of, not_linked


def parts_of(_request: HttpRequest, version: Version) -> list[Part]:
    """Nothing for a version that was submitted, or that stands on no run."""
    if version.state != Version.State.DRAFT or version.training_run is None:
        return []
    context = {"not_linked": not_linked(version), "card_from": _card_from(version)}
    return [Part("lead", "models_registry/part_draft.html", context)]


def _card_from(version: Version) -> Version | None:
    """The version whose card this one has word for word: somebody should read it again."""
    card, earlier = version.card, earlier_of(version.model, before=version)
    if not card or not card.content or earlier is None or earlier.card is None:
        return None
    return earlier if earlier.card.digest == card.digest else None
