"""Past facts about days that came: a review overdue, an approval that soon ends or has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("review.fell_overdue", version=1)
@dataclass(frozen=True, kw_only=True)
class ReviewFellOverdue(Event):
    """The day by which the policy wanted the review decided passed; whoever holds `role`, where the policy names one, is told."""

    look = ("clock-alert", "bad")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        return _("Review overdue, so it was put before the %(role)s") if data.get("role") else _("Review overdue")

    version_id: str
    role: str
    due_at: str


@event("approval.ends_soon", version=1)
@dataclass(frozen=True, kw_only=True)
class ApprovalEndsSoon(Event):
    """The approval runs out within the days before which the policy has people reminded."""

    says = _("Reminder: the approval for %(environment)s ends at %(valid_until)s")
    look = ("bell", "warn")

    version_id: str
    environment: str
    valid_until: str


@event("approval.looked_at_anew", version=1)
@dataclass(frozen=True, kw_only=True)
class ApprovalLookedAtAnew(Event):
    """A review of a live approval was opened beside it, on behalf of the model's owner: its end is near, or something material
    changed. The approval holds on until the review concludes, at most until the moment named; after a grave finding it does not
    hold any more, and at that moment the version is suspended."""

    look = ("calendar-sync", "warn")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        return {
            "periodic": _("Approval for %(environment)s reviewed anew, because it soon ends"),
            "risk_tier": _("Approval for %(environment)s reviewed anew, because the risk tier was raised"),
            "policy": _("Approval for %(environment)s reviewed anew, because a stricter policy is in force"),
        }.get(str(data.get("cause")), _("Approval for %(environment)s reviewed anew, because of a grave finding"))

    version_id: str
    environment: str
    earlier: str  # the review that gave the approval
    cause: str  # periodic, risk_tier, policy, finding
    holds_until: str  # empty: without end


@event("approval.ends_sooner", version=1)
@dataclass(frozen=True, kw_only=True)
class ApprovalEndsSooner(Event):
    """Something material changed under a live approval while its version is under review for another environment: the approval
    ends at the moment named, unless a review renews it before."""

    says = _("Approval for %(environment)s ends sooner, because something material changed")
    look = ("calendar-clock", "warn")

    version_id: str
    environment: str
    cause: str  # risk_tier, policy, finding
    holds_until: str


@event("approval.expired", version=1)
@dataclass(frozen=True, kw_only=True)
class ApprovalExpired(Event):
    """The approval that this review gave ran out, so what was live under it is live no more."""

    says = _("Approval for %(environment)s ran out")
    look = ("clock-alert", "bad")

    version_id: str
    environment: str
    valid_until: str
