"""Past facts about releases and the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("release.made", version=1)
@dataclass(frozen=True, kw_only=True)
class ReleaseMade(Event):
    """A version went live in an environment."""

    says = _("Released to %(environment)s with checkpoint %(checkpoint)s")
    look = ("rocket", "ok")

    version_id: str
    environment: str
    checkpoint: str
    approval: str  # digest that the signatures stand for
    instead_of: str = ""
    rolled_back: bool = False
    reason: Private = Private("")


@event("release.went_unapproved", version=1)
@dataclass(frozen=True, kw_only=True)
class ReleaseWentUnapproved(Event):
    """A release was made without asking for an approval, because the environment only warns or records."""

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("mode") == "warn":
            return _("Released to %(environment)s, which only warns, against: %(reasons)s")
        return _("Released to %(environment)s, which only records releases")

    look = ("triangle-alert", "warn")

    version_id: str
    environment: str
    mode: str  # warn or record
    reasons: list[str]  # what stood against it; none where the environment only records


@event("release.superseded", version=1)
@dataclass(frozen=True, kw_only=True)
class ReleaseSuperseded(Event):
    """Another version took the place of this one."""

    says = _("Release superseded by another version")
    look = ("layers", "idle")

    by: str


@event("release.rolled_back", version=1)
@dataclass(frozen=True, kw_only=True)
class ReleaseRolledBack(Event):
    """An earlier approved version took the place of this one again."""

    says = _("Release rolled back to an earlier version")
    look = ("undo-2", "warn")

    to: str


@event("release.revoked", version=1)
@dataclass(frozen=True, kw_only=True)
class ReleaseRevoked(Event):
    """The release was taken back because the approval no longer held."""

    says = _("Release revoked because of the %(reason)s")
    look = ("ban", "bad")

    reason: str


@event("gate.answered", version=1)
@dataclass(frozen=True, kw_only=True)
class GateAnswered(Event):
    """The gate's answer for a version in an environment was given for the first time, or is another than before."""

    look = ("door-open", "idle")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("allowed"):
            return _("The gate, asked for %(environment)s, answered: allowed")
        return _("The gate, asked for %(environment)s, answered: not allowed")

    environment: str
    checkpoint: str
    allowed: bool
    reasons: list[str]


@event("gate.asked_unknown", version=1)
@dataclass(frozen=True, kw_only=True)
class GateAskedUnknown(Event):
    """Somebody asked the gate about bytes that no version they may see has; recorded for the 1st, 10th, 100th ... in a minute."""

    says = _("The gate was asked about unknown bytes (%(in_this_minute)s in this minute)")
    look = ("door-closed", "idle")

    in_this_minute: int
