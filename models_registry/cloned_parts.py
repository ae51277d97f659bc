"""What the page of a version says of its descent: whose bytes it has, who has its own, and the way to one more."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.http import HttpRequest

from models_registry.descent import clones_of, not_taken_over, original_of, why_not_cloned
from models_registry.models import Version
from models_registry.parts import Part
from models_registry.permissions import can_hand_on, scientist_teams

if TYPE_CHECKING:
    from accounts.models import Person

MOST = 50


def parts_of(request: HttpRequest, version: Version) -> list[Part]:
    """Clones are listed as far as the person sees them; an original that they do not see is named, because who cloned it chose
    to say whose bytes these are, and its page stays closed."""
    person = cast("Person", request.user)
    original = original_of(version)
    visible = Version.objects.visible_to(person)
    clones = list(clones_of(version).filter(pk__in=visible.values("pk")).select_related("model__team")[:MOST])
    parts = []
    if original and version.state == Version.State.DRAFT:
        context = {"original": original, "not_taken_over": not_taken_over(version), "same_card": _same_card(version, original)}
        parts.append(Part("lead", "models_registry/part_cloned_draft.html", context))
    if original or clones:
        seen = original and visible.filter(pk=original.pk).exists()
        parts.append(Part("more", "models_registry/part_descent.html", {"original": original, "seen": seen, "clones": clones}))
    if can_hand_on(person, version) and not why_not_cloned(version) and scientist_teams(person).exists():
        parts.append(Part("actions", "models_registry/part_clone_link.html", {"version": version}))
    return parts


def _same_card(version: Version, original: Version) -> bool:
    card, was = version.card, original.card
    return bool(card and was and card.content and card.digest == was.digest)
