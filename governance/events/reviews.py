"""Past facts about reviews and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("review.opened", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewOpened(Event):
    """A version is to be signed off under exactly this policy; the steps that apply are fixed by it and by what the data hold."""

    says = _("Review opened under policy %(policy)s for %(environment)s")
    look = ("eye", "info")

    version_id: str
    policy: str
    policy_digest: str
    environment: str
    steps: list[str]  # "role x quorum: why"


@event("review.pins_changed", version=1)
@dataclass(frozen=True, kw_only=True)
class PinsChanged(Event):
    """Something that signatures stand for changed; signatures over the earlier digest are stale."""

    look = ("unlink", "idle")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("changed"):
            return _("What was signed changed, so signatures given before are stale: %(changed)s")
        return _("What a signature will stand for was brought up to date")

    digest: str
    earlier: str
    changed: list[str]


@event("review.concluded", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewConcluded(Event):
    """The review ended with this outcome."""

    says = _("Review concluded: %(outcome)s")
    look = ("flag", "info")

    outcome: str
    digest: str


@event("review.withdrawn", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewWithdrawn(Event):
    """The version was withdrawn before the review came to an end."""

    says = _("Review withdrawn")
    look = ("undo-2", "idle")
