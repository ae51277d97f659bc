"""What a policy may say, how it is checked and published, and the policies that every new site begins with."""

from __future__ import annotations

from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import SIGNING_ROLES
from core.canonical import sha256_of
from core.errors import InvalidInput
from governance import lifecycle
from governance.criteria import check_suites, starting_suites
from governance.models import Policy, SignOff
from ledger.actors import INSTALLER, Actor
from ledger.acts import act
from models_registry.models import RiskTier

CONDITIONS = {"", "pii"}  # when a requirement applies: always, or when the lineage holds personal data
FIRST = "standard"  # the name under which the first policies are installed


def starting_body(tier: str) -> dict[str, Any]:
    """The policy of a new site for a risk tier: a higher tier asks for more people and tighter numbers."""
    approve = {"role": "compliance_officer", "quorum": 1, "meaning": "approved", "order": 2}
    validate = {"role": "validator", "quorum": 1, "meaning": "validated", "order": 1}
    privacy = {"role": "data_protection_officer", "quorum": 1, "meaning": "privacy_reviewed", "order": 1, "when": "pii"}
    return {
        "requirements": [privacy, approve] if tier == RiskTier.LOW else [validate, privacy, approve],
        "suites": starting_suites(tier),
        "sandbox": {"weights": "L1", "programs": "L2"},
        "monitoring": {"minimum_rows": 300, "minimum_mean": 0.05, "minimum_effect": 0.05, "suspend": True},
        "environments": ["staging", "production"],
        "valid_days": 365,
    }


def checked(body: dict[str, Any]) -> dict[str, Any]:
    """`body`, or one sentence for the first thing that is wrong with it."""
    requirements = body.get("requirements")
    if not isinstance(requirements, list) or not requirements:
        raise InvalidInput(_("A policy names at least one signature that it requires."), code="policy_requirements")
    roles = [requirement.get("role") for requirement in requirements]
    if len(set(roles)) != len(roles):
        raise InvalidInput(_("A policy names each role once; raise its quorum to ask for more people."), code="policy_roles")
    for requirement in requirements:
        if requirement["role"] not in SIGNING_ROLES:
            raise InvalidInput(_("%(role)s is not a role that signs.") % {"role": requirement["role"]}, code="policy_role")
        if requirement.get("meaning") not in SignOff.Meaning.values or requirement.get("when", "") not in CONDITIONS:
            raise InvalidInput(_("A requirement has a meaning or a condition that is not known."), code="policy_meaning")
        if not 1 <= int(requirement.get("quorum", 0)) <= 9:
            raise InvalidInput(_("A quorum is a number from 1 to 9."), code="policy_quorum")
    if not isinstance(body.get("verified", False), bool):
        raise InvalidInput(_("“verified” says yes or no: whether only a registered hold-out counts."), code="policy_verified")
    check_suites(body)  # what could not be measured or judged later is refused now
    return body


def publish(*, by: Actor, name: str, risk_tier: str, body: dict[str, Any]) -> Policy:
    """The next number of this policy is in force for new submissions; open reviews keep the one that they were opened under."""
    content = checked(body)
    with act(by) as this:
        number = (Policy.objects.filter(name=name).aggregate(Max("number"))["number__max"] or 0) + 1
        policy = Policy.objects.create(name=name, number=number, risk_tier=risk_tier, body=content, digest=sha256_of(content))
        lifecycle.publish(policy, within=this)
    return policy


def in_force(risk_tier: str) -> Policy:
    """The policy that a submission of this tier is judged by, from the moment it is handed in."""
    policy = Policy.objects.filter(risk_tier=risk_tier, state=Policy.State.PUBLISHED).order_by("-published_at").first()
    if policy is None:
        raise InvalidInput(
            _("No policy is published for the tier %(tier)s: an administrator must publish one.") % {"tier": risk_tier},
            code="no_policy",
        )
    return policy


def install() -> None:
    """A database without policies gets the starting ones; idempotent, called after each migrate."""
    for tier in RiskTier.values:
        if not Policy.objects.filter(risk_tier=tier).exists():
            publish(by=INSTALLER, name=f"{FIRST}-{tier}", risk_tier=tier, body=starting_body(tier))
