"""Past facts about the assessment of a model's risk."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("risk_assessment.made", version=1)
@dataclass(frozen=True, kw_only=True)
class RiskAssessmentMade(Event):
    """The risk of a model was assessed by this method; nothing follows from it before somebody else activates it."""

    says = _("Risk assessed: %(score)s of 100, tier %(tier)s")
    look = ("scale", "info")

    model: str
    number: int
    method_version: int
    method: str  # digest
    levels: dict[str, int]
    uses: dict[str, str]
    categories: list[str]
    score: int
    assessed_tier: str
    minimum_tier: str
    tier: str
    reasons: Private = Private("")


@event("risk_assessment.activated", version=1)
@dataclass(frozen=True, kw_only=True)
class RiskAssessmentActivated(Event):
    """The assessment says the tier of its model from now on; `overridden`: another tier than its answers come to."""

    says = _("Risk assessment %(number)s activated: tier %(tier)s")
    look = ("shield-check", "ok")

    model: str
    number: int
    tier: str
    result: str  # the tier that the answers come to
    overridden: bool
    reason: Private = Private("")


@event("risk_assessment.archived", version=1)
@dataclass(frozen=True, kw_only=True)
class RiskAssessmentArchived(Event):
    """Another assessment took the place of this one, which is kept."""

    says = _("Risk assessment archived")
    look = ("archive", "idle")

    by: str


@event("version.tier_outgrown", version=1)
@dataclass(frozen=True, kw_only=True)
class TierOutgrown(Event):
    """The model's tier rose above that of the policy under which this version was approved: a material change."""

    says = _("Approved under %(policy)s, which is for a lower tier than the model has now: %(tier)s")
    look = ("trending-up", "warn")

    policy: str
    policy_digest: str
    tier: str
    assessment: str
