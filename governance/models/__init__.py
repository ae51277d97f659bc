"""Policies, reviews, sign-offs and releases: who decides, by which rules, and what was decided."""

from governance.models.attestation import Attestation
from governance.models.policy import Environment, Policy
from governance.models.release import GateRecord, Release
from governance.models.review import Review, SignOff, Step

__all__ = ["Attestation", "Environment", "GateRecord", "Policy", "Release", "Review", "SignOff", "Step"]
