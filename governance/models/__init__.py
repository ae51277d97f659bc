"""Policies, reviews, sign-offs and releases: who decides, by which rules, and what was decided."""

from governance.models.accountability import Accountability
from governance.models.assessment import RiskAssessment
from governance.models.attestation import Attestation
from governance.models.change_envelope import ChangeEnvelope, EnvelopeDecision, EnvelopeSignature, EnvelopeStep
from governance.models.code import CodeComment, CodeCommit, CodeOutcome, CodeSet
from governance.models.condition import UNMET, Condition, ConditionAnswer
from governance.models.delegation import Delegation
from governance.models.discussion import Message
from governance.models.emergency import EmergencyApproval
from governance.models.environment import PRODUCTION, STAGING, Environment, EnvironmentField, label_of
from governance.models.evidence import Evidence
from governance.models.exception import RequirementException
from governance.models.finding import Finding
from governance.models.mail import Mail, MailKind, MailPlace, MailWish
from governance.models.policy import Policy
from governance.models.release import GateRecord, Release
from governance.models.review import APPROVING, Review, SignOff, SignOffWithdrawal, Step
from governance.models.webhook import Delivery, Webhook

__all__ = [
    "APPROVING",
    "PRODUCTION",
    "STAGING",
    "UNMET",
    "Accountability",
    "Attestation",
    "ChangeEnvelope",
    "CodeComment",
    "CodeCommit",
    "CodeOutcome",
    "CodeSet",
    "Condition",
    "ConditionAnswer",
    "Delegation",
    "Delivery",
    "EmergencyApproval",
    "EnvelopeDecision",
    "EnvelopeSignature",
    "EnvelopeStep",
    "Environment",
    "EnvironmentField",
    "Evidence",
    "Finding",
    "GateRecord",
    "Mail",
    "MailKind",
    "MailPlace",
    "MailWish",
    "Message",
    "Policy",
    "Release",
    "RequirementException",
    "Review",
    "RiskAssessment",
    "SignOff",
    "SignOffWithdrawal",
    "Step",
    "Webhook",
    "label_of",
]
