"""Past facts about exceptions."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("exception.requested", version=1)
@dataclass(frozen=True, kw_only=True)
class ExceptionRequested(Event):
    """Somebody asked that one requirement may stay unmet for a while."""

    says = _("Exception requested for the requirement %(kind)s until %(until)s")
    look = ("scale", "info")

    model_id: str
    version_id: str  # empty: every version of the model
    policy: str
    kind: str
    subject: str
    until: str
    reason: Private
    control: Private


@event("exception.approved", version=1)
@dataclass(frozen=True, kw_only=True)
class ExceptionApproved(Event):
    """Somebody whom the policy names proved who they are and let the requirement stay unmet."""

    says = _("Exception approved by the %(role)s until %(until)s")
    look = ("scale", "warn")

    role: str
    until: str
    policy: str
    proof: list[str]
    decision: Private = Private("")


@event("exception.refused", version=1)
@dataclass(frozen=True, kw_only=True)
class ExceptionRefused(Event):
    """The requirement has to be met."""

    says = _("Exception refused by the %(role)s")
    look = ("ban", "idle")

    role: str
    decision: Private


@event("exception.revoked", version=1)
@dataclass(frozen=True, kw_only=True)
class ExceptionRevoked(Event):
    """The exception was taken back before its last day."""

    says = _("Exception revoked by the %(role)s")
    look = ("undo-2", "warn")

    role: str
    reason: Private


@event("exception.expired", version=1)
@dataclass(frozen=True, kw_only=True)
class ExceptionExpired(Event):
    """Its last day is over."""

    says = _("Exception expired")
    look = ("clock-alert", "bad")
