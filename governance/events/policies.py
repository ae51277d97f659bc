"""Past facts about policies."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("policy.published", version=1)
@dataclass(frozen=True, kw_only=True)
class PolicyPublished(Event):
    """A policy came into force; its content never changes again."""

    says = _("Policy %(name)s %(number)s published for risk tier %(risk_tier)s")
    look = ("file-lock", "info")

    name: str
    number: int
    risk_tier: str
    digest: str
