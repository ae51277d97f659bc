"""Past facts about delegations of signing."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("delegation.offered", version=1)
@dataclass(frozen=True, kw_only=True)
class DelegationOffered(Event):
    """Somebody who holds a role that signs proved who they are and offered another person to sign in it on their behalf, from the
    first to the last of these days."""

    says = _("Delegation of the role %(role)s offered, from %(starts_on)s to %(ends_on)s")
    look = ("user-round-pen", "info")

    delegator: str
    delegate: str
    role: str
    team: str  # empty: wherever the delegator holds the role
    starts_on: str
    ends_on: str
    proof: list[str]
    reason: Private


@event("delegation.accepted", version=1)
@dataclass(frozen=True, kw_only=True)
class DelegationAccepted(Event):
    """The person to whom it was offered proved who they are and accepted it."""

    says = _("Delegation accepted")
    look = ("handshake", "info")

    delegate: str
    role: str
    proof: list[str]


@event("delegation.declined", version=1)
@dataclass(frozen=True, kw_only=True)
class DelegationDeclined(Event):
    """The person to whom it was offered did not accept it; nothing was ever signed by it."""

    says = _("Delegation declined")
    look = ("ban", "idle")

    delegate: str
    role: str


@event("delegation.ended", version=1)
@dataclass(frozen=True, kw_only=True)
class DelegationEnded(Event):
    """One of the two ended it before its last day. What was signed by it stays."""

    says = _("Delegation ended by the %(side)s")
    look = ("undo-2", "warn")

    side: str  # delegator, delegate
    role: str


@event("delegation.expired", version=1)
@dataclass(frozen=True, kw_only=True)
class DelegationExpired(Event):
    """Its last day is over."""

    says = _("Delegation expired")
    look = ("clock-alert", "idle")

    role: str
