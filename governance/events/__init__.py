"""Past facts about policies, reviews, sign-offs, releases and the gate, a file for each concept."""

from governance.events.assessments import RiskAssessmentActivated, RiskAssessmentArchived, RiskAssessmentMade, TierOutgrown
from governance.events.attestations import GateAttested
from governance.events.change_envelopes import (
    ChangeEnvelopeActivated,
    ChangeEnvelopeDrafted,
    ChangeEnvelopeExpired,
    ChangeEnvelopeKept,
    ChangeEnvelopePassed,
    ChangeEnvelopeRevoked,
    ChangeEnvelopeSigned,
    ChangeEnvelopeWithdrawn,
)
from governance.events.code import CodeCommentMade, CodeCommentResolved, CodeReviewRecorded, CodeSetReceived
from governance.events.conditions import ConditionMet, ConditionMissed, ConditionReported, ConditionReportRefused, ConditionSet
from governance.events.dates import ApprovalEndsSoon, ApprovalEndsSooner, ApprovalExpired, ApprovalLookedAtAnew, ReviewFellOverdue
from governance.events.delegations import (
    DelegationAccepted,
    DelegationDeclined,
    DelegationEnded,
    DelegationExpired,
    DelegationOffered,
)
from governance.events.discussion import ReviewMessagePosted, ReviewQuestionAnswered, ReviewQuestionAsked
from governance.events.emergencies import EmergencyReleased
from governance.events.environments import EnvironmentMade, EnvironmentModeChanged, EnvironmentRetired
from governance.events.evidence import EvidenceSuperseded, EvidenceUploaded, EvidenceWithdrawn
from governance.events.exceptions import (
    ExceptionApproved,
    ExceptionExpired,
    ExceptionRefused,
    ExceptionRequested,
    ExceptionRevoked,
)
from governance.events.findings import (
    FindingAccepted,
    FindingClosed,
    FindingPlanRevised,
    FindingRaised,
    FindingReady,
    FindingReopened,
    FindingRevised,
    FindingStarted,
)
from governance.events.mail import MailChosen
from governance.events.policies import (
    PolicyDrafted,
    PolicyDraftEdited,
    PolicyDraftWithdrawn,
    PolicyPublished,
    PolicyPublishedForTier,
)
from governance.events.registers import RegisterExported, RegisterImported
from governance.events.releases import (
    GateAnswered,
    GateAskedUnknown,
    ReleaseMade,
    ReleaseRevoked,
    ReleaseRolledBack,
    ReleaseSuperseded,
    ReleaseWentUnapproved,
)
from governance.events.reviews import PinsChanged, ReviewConcluded, ReviewOpened, ReviewWithdrawn
from governance.events.signing import AccountabilityAccepted, SignOffGiven, SignOffWithdrawn
from governance.events.standing import ReviewExpired, SuspensionOrdered
from governance.events.webhooks import WebhookMade, WebhookStarted, WebhookStopped, WebhookTested

__all__ = [
    "AccountabilityAccepted",
    "ApprovalEndsSoon",
    "ApprovalEndsSooner",
    "ApprovalExpired",
    "ApprovalLookedAtAnew",
    "ChangeEnvelopeActivated",
    "ChangeEnvelopeDrafted",
    "ChangeEnvelopeExpired",
    "ChangeEnvelopeKept",
    "ChangeEnvelopePassed",
    "ChangeEnvelopeRevoked",
    "ChangeEnvelopeSigned",
    "ChangeEnvelopeWithdrawn",
    "CodeCommentMade",
    "CodeCommentResolved",
    "CodeReviewRecorded",
    "CodeSetReceived",
    "ConditionMet",
    "ConditionMissed",
    "ConditionReportRefused",
    "ConditionReported",
    "ConditionSet",
    "DelegationAccepted",
    "DelegationDeclined",
    "DelegationEnded",
    "DelegationExpired",
    "DelegationOffered",
    "EmergencyReleased",
    "EnvironmentMade",
    "EnvironmentModeChanged",
    "EnvironmentRetired",
    "EvidenceSuperseded",
    "EvidenceUploaded",
    "EvidenceWithdrawn",
    "ExceptionApproved",
    "ExceptionExpired",
    "ExceptionRefused",
    "ExceptionRequested",
    "ExceptionRevoked",
    "FindingAccepted",
    "FindingClosed",
    "FindingPlanRevised",
    "FindingRaised",
    "FindingReady",
    "FindingReopened",
    "FindingRevised",
    "FindingStarted",
    "GateAnswered",
    "GateAskedUnknown",
    "GateAttested",
    "MailChosen",
    "PinsChanged",
    "PolicyDraftEdited",
    "PolicyDraftWithdrawn",
    "PolicyDrafted",
    "PolicyPublished",
    "PolicyPublishedForTier",
    "RegisterExported",
    "RegisterImported",
    "ReleaseMade",
    "ReleaseRevoked",
    "ReleaseRolledBack",
    "ReleaseSuperseded",
    "ReleaseWentUnapproved",
    "ReviewConcluded",
    "ReviewExpired",
    "ReviewFellOverdue",
    "ReviewMessagePosted",
    "ReviewOpened",
    "ReviewQuestionAnswered",
    "ReviewQuestionAsked",
    "ReviewWithdrawn",
    "RiskAssessmentActivated",
    "RiskAssessmentArchived",
    "RiskAssessmentMade",
    "SignOffGiven",
    "SignOffWithdrawn",
    "SuspensionOrdered",
    "TierOutgrown",
    "WebhookMade",
    "WebhookStarted",
    "WebhookStopped",
    "WebhookTested",
]
