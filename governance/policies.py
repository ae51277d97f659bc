"""Which policy is in force for whom, and the policies that every new site begins with."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core.canonical import sha256_of
from core.errors import InvalidInput
from governance import lifecycle
from governance.criteria import starting_suites
from governance.documents import FORMAT
from governance.documents.checking import checked
from governance.events import PolicyPublished
from governance.models import PRODUCTION, STAGING, Policy, label_of
from ledger.actors import INSTALLER, Actor
from ledger.acts import act
from models_registry.models import RiskTier

NAMES = {RiskTier.LOW: "minimal-risk", RiskTier.MEDIUM: "limited-risk", RiskTier.HIGH: "high-risk"}
TITLES = {RiskTier.LOW: "Minimal risk", RiskTier.MEDIUM: "Limited risk", RiskTier.HIGH: "High risk"}
PURPOSES = {
    RiskTier.LOW: "For models whose mistakes are small and easily put right. The card says what the model is and what it is for; "
    "one officer decides on measured performance.",
    RiskTier.MEDIUM: "For models that people rely on, but that decide nothing about a person alone. It is known what the model "
    "learned from and whether personal data are in it; an independent validator confirms the measurements before an officer "
    "decides.",
    RiskTier.HIGH: "For models whose answers may harm people or their rights. The risk was assessed, it is said how the model is "
    "watched in production, and no grave finding is open. An independent validator confirms the measurements, which include "
    "calibration, fairness, robustness and privacy, before an officer decides.",
}

# What the card must say. A higher tier asks for all that a lower one asks for.
LOW_SECTIONS = ["overview", "intended_use"]
MEDIUM_SECTIONS = [*LOW_SECTIONS, "out_of_scope_use", "limitations", "training_data", "evaluation_data"]
HIGH_SECTIONS = [*MEDIUM_SECTIONS, "ethical_considerations"]
# What the provenance of all data must say, by the elements of the Data Provenance Standards.
ORIGIN = ["source.issuer", "provenance.date", "provenance.generation-method", "use.intended-purpose", "use.license"]


def starting_body(tier: str) -> dict[str, Any]:
    """The policy of a new site for a risk tier: a higher tier asks for more evidence, more people and tighter numbers."""
    low = tier == RiskTier.LOW
    return {
        "format": FORMAT,
        "name": NAMES[RiskTier(tier)],
        "title": TITLES[RiskTier(tier)],
        "purpose": PURPOSES[RiskTier(tier)],
        "covers": {"tiers": [str(tier)], "environments": [STAGING, PRODUCTION]},
        "evaluations": {"verified": False, "sandbox": {"weights": "L1", "programs": "L2"}, "suites": starting_suites(tier)},
        "requirements": _starting_requirements(RiskTier(tier)),
        "steps": _starting_steps(tier),
        "valid_days": 365,
        "review_days": 14,
        "remind_days": 30,
        "escalate_to": "risk_manager",
        "conditions": {"allowed": True, "most_days": 30},
        "exceptions": {"roles": ["risk_manager"], "most_days": 90},
        # What may wait is not urgent: models of minimal risk have one signature to wait for.
        "emergency": None if low else {"roles": ["risk_manager"], "valid_days": 7, "review_within_days": 14},
        "separation": {"policy_author_days": 30},
        "monitoring": {"minimum_rows": 300, "minimum_mean": 0.05, "minimum_effect": 0.05, "suspend": True},
    }


def _starting_requirements(tier: RiskTier) -> list[dict[str, Any]]:
    """Only what every organisation can bring: files and reviews of code are added by those who work with them."""
    if tier == RiskTier.LOW:
        return [{"kind": "card_sections", "sections": LOW_SECTIONS}]
    about_data: list[dict[str, Any]] = [{"kind": "provenance", "fields": ORIGIN}, {"kind": "pii_states"}]
    if tier == RiskTier.MEDIUM:
        return [{"kind": "card_sections", "sections": MEDIUM_SECTIONS}, *about_data]
    return [
        {"kind": "risk_assessment"},
        {"kind": "card_sections", "sections": HIGH_SECTIONS},
        *about_data,
        {"kind": "monitoring_plan"},
        {"kind": "findings", "blocks": "high"},
    ]


def _starting_steps(tier: str) -> list[dict[str, Any]]:
    validate = {"role": "validator", "quorum": 1, "order": 1, "meaning": "validated", "when": "always", "distinct_teams": False}
    privacy = validate | {"role": "data_protection_officer", "meaning": "privacy_reviewed", "when": "pii"}
    approve = validate | {"role": "compliance_officer", "meaning": "approved", "order": 2}
    return [privacy, approve] if tier == RiskTier.LOW else [validate, privacy, approve]


def publish(*, by: Actor, body: Any) -> Policy:
    """The next number of the policy that `body` names is in force for new submissions; open reviews keep the one that they were
    opened under. This is how a site is set up; people publish by `governance.services.publish_policy`."""
    document = checked(body)
    content = document.body()
    with act(by) as this:
        replaced = Policy.objects.numbered(document.name).first()
        number = replaced.number + 1 if replaced else 1
        policy = Policy.objects.create(name=document.name, number=number, body=content, digest=sha256_of(content))
        lifecycle.publish(policy, fact_of(policy, replaced, installed=True), within=this)
    return policy


def fact_of(policy: Policy, replaced: Policy | None, **also: Any) -> PolicyPublished:
    covers = policy.document.covers
    return PolicyPublished(
        name=policy.name,
        number=policy.number,
        digest=policy.digest,
        tiers=list(covers.tiers),
        environments=list(covers.environments),
        replaces=replaced.digest if replaced else "",
        **also,
    )


def in_force(risk_tier: str, environment: str = PRODUCTION) -> Policy:
    """The policy that a submission of this tier for this environment is judged by, from the moment it is handed in."""
    policy = Policy.objects.in_force(risk_tier, environment)
    if policy is None:
        words = {"tier": RiskTier(risk_tier).label.lower(), "environment": label_of(environment).lower()}
        raise InvalidInput(
            _("No published policy covers models of %(tier)s in %(environment)s: a compliance officer must publish one.") % words,
            code="no_policy",
        )
    return policy


def install() -> None:
    """A database where no policy was ever published for a tier gets the starting one; idempotent, called after each migrate."""
    covered = {tier for policy in Policy.objects.published() for tier in policy.document.covers.tiers}
    for tier in RiskTier.values:
        if tier not in covered:
            publish(by=INSTALLER, body=starting_body(tier))
