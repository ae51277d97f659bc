"""Past facts about policies."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("policy.published", version=1)
@dataclass(frozen=True, kw_only=True)
class PolicyPublishedForTier(Event):
    """A policy of the format before documents came into force; its content never changes again."""

    says = _("Policy %(name)s %(number)s published for risk tier %(risk_tier)s")
    look = ("file-lock", "info")

    name: str
    number: int
    risk_tier: str
    digest: str


@event("policy.published", version=2)
@dataclass(frozen=True, kw_only=True)
class PolicyPublished(Event):
    """A policy came into force; its content never changes again. Installed ones came with the software, before there was anybody
    who could sign them."""

    says = _("Policy %(name)s %(number)s published")
    look = ("file-lock", "info")

    name: str
    number: int
    digest: str
    tiers: list[str]
    environments: list[str]
    replaces: str = ""  # the digest of the number before, where there was one in force
    installed: bool = False
    proof: list[str] = field(default_factory=list)  # how the publisher proved who they are
    envelope: str = ""  # sha256 of the signed statement that is kept with the policy
    reason: Private = Private("")  # why it changed


@event("policy.drafted", version=1)
@dataclass(frozen=True, kw_only=True)
class PolicyDrafted(Event):
    """A policy was drafted; it is in force for nobody before another person publishes it."""

    says = _("Policy %(name)s drafted")
    look = ("file-pen", "info")

    name: str
    digest: str


@event("policy.draft_edited", version=1)
@dataclass(frozen=True, kw_only=True)
class PolicyDraftEdited(Event):
    """The draft of a policy says something else now; whoever edits it does not publish it."""

    says = _("Draft of policy %(name)s edited")
    look = ("file-pen", "info")

    name: str
    digest: str
    earlier: str


@event("policy.draft_withdrawn", version=1)
@dataclass(frozen=True, kw_only=True)
class PolicyDraftWithdrawn(Event):
    """A draft was taken back; what it said is kept and can no longer be published."""

    says = _("Draft of policy %(name)s withdrawn")
    look = ("undo-2", "idle")

    name: str
    digest: str
