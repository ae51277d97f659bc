"""Past facts about what people decide on a version after its approval: stopping it, and looking at it again."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("suspension.ordered", version=1)
@dataclass(frozen=True, kw_only=True)
class SuspensionOrdered(Event):
    """A person stopped a version, for a reason that they gave, after proving who they are."""

    says = _("Suspension ordered by a person")
    look = ("octagon-pause", "bad")

    reason: Private
    proof: list[str]


@event("review.expired", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewExpired(Event):
    """An approval that was given before a suspension counts no more, since the version is looked at anew."""

    says = _("The review counts no more: the version was suspended after it")
    look = ("timer-off", "warn")
