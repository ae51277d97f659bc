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
    RiskTier.LOW: "For models whose mistakes are small and easily put right. One officer decides on measured performance.",
    RiskTier.MEDIUM: "For models that people rely on, but that decide nothing about a person alone. An independent validator "
    "confirms the measurements before an officer decides.",
    RiskTier.HIGH: "For models whose answers may harm people or their rights. An independent validator confirms the "
    "measurements, which include fairness, robustness and privacy, before an officer decides.",
}


def starting_body(tier: str) -> dict[str, Any]:
    """The policy of a new site for a risk tier: a higher tier asks for more people, tighter numbers and shorter validity."""
    high = tier == RiskTier.HIGH
    return {
        "format": FORMAT,
        "name": NAMES[RiskTier(tier)],
        "title": TITLES[RiskTier(tier)],
        "purpose": PURPOSES[RiskTier(tier)],
        "covers": {"tiers": [str(tier)], "environments": [STAGING, PRODUCTION]},
        "evaluations": {"verified": False, "sandbox": {"weights": "L1", "programs": "L2"}, "suites": starting_suites(tier)},
        "requirements": [],
        "steps": _starting_steps(tier),
        "valid_days": 365,
        "review_days": 14,
        "remind_days": 30,
        "escalate_to": "risk_manager",
        "conditions": {"allowed": True, "most_days": 30 if high else 90},
        "exceptions": {"roles": ["risk_manager"], "most_days": 30 if high else 90},
        "emergency": {"roles": ["risk_manager"], "valid_days": 3 if high else 7, "review_within_days": 3 if high else 7},
        "separation": {"policy_author_days": 30},
        "monitoring": {"minimum_rows": 300, "minimum_mean": 0.05, "minimum_effect": 0.05, "suspend": True},
    }


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
