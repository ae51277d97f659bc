"""The steps between the states of reviews, policies, releases and findings, as data; the only callers of `Act.move` here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Max
from django.utils.translation import gettext as _

from core import clock
from governance import attestations, events
from governance.models import (
    ChangeEnvelope,
    Condition,
    Delegation,
    Evidence,
    Finding,
    Policy,
    Release,
    RequirementException,
    Review,
    RiskAssessment,
    Webhook,
)
from ledger.acts import Act, Transition
from ledger.events import Event, Private

if TYPE_CHECKING:
    from accounts.models import Person

PUBLISH = Transition(frozenset({Policy.State.DRAFT}), Policy.State.PUBLISHED)
WITHDRAW_DRAFT = Transition(frozenset({Policy.State.DRAFT}), Policy.State.WITHDRAWN)
CONCLUDE = Transition(frozenset({Review.State.OPEN}), Review.State.CONCLUDED)
WITHDRAW = Transition(frozenset({Review.State.OPEN}), Review.State.WITHDRAWN)
RUN_OUT = Transition(frozenset({Review.State.CONCLUDED}), Review.State.EXPIRED)
SUPERSEDE = Transition(frozenset({Release.State.LIVE}), Release.State.SUPERSEDED)
ROLL_BACK = Transition(frozenset({Release.State.LIVE}), Release.State.ROLLED_BACK)
STOP_WEBHOOK = Transition(frozenset({Webhook.State.ACTIVE}), Webhook.State.STOPPED)
START_WEBHOOK = Transition(frozenset({Webhook.State.STOPPED}), Webhook.State.ACTIVE)
REVOKE = Transition(frozenset({Release.State.LIVE}), Release.State.REVOKED)
REPORT = Transition(frozenset({Condition.State.OPEN}), Condition.State.REPORTED)
REFUSE_REPORT = Transition(frozenset({Condition.State.REPORTED}), Condition.State.OPEN)
MEET = Transition(frozenset({Condition.State.REPORTED}), Condition.State.MET)
MISS = Transition(frozenset({Condition.State.OPEN, Condition.State.REPORTED}), Condition.State.MISSED)

SUPERSEDE_EVIDENCE = Transition(frozenset({Evidence.State.CURRENT}), Evidence.State.SUPERSEDED)
WITHDRAW_EVIDENCE = Transition(frozenset({Evidence.State.CURRENT}), Evidence.State.WITHDRAWN)


def publish(policy: Policy, fact: events.PolicyPublished, *, within: Act, **also: Any) -> None:
    within.move(policy, PUBLISH, fact, **{"published_at": clock.now()} | also)


def withdraw_draft(policy: Policy, *, within: Act) -> None:
    fact = events.PolicyDraftWithdrawn(name=policy.name, digest=policy.digest)
    within.move(policy, WITHDRAW_DRAFT, fact, changed_at=clock.now())


def conclude(review: Review, *, outcome: str, digest: str, within: Act) -> None:
    within.move(
        review,
        CONCLUDE,
        events.ReviewConcluded(outcome=outcome, digest=digest),
        outcome=outcome,
        concluded_at=clock.now(),
        **(_validity(review, digest) if outcome.startswith("approved") else {}),
    )


def _validity(review: Review, digest: str) -> dict[str, Any]:
    """So many days after the last signature over what was approved as the policy says; nothing where it sets no end."""
    policy = review.policy.document
    last = review.sign_offs.filter(digest=digest).aggregate(at=Max("signed_at"))["at"]
    if not policy.valid_days or last is None:
        return {}
    ends = last + timedelta(days=policy.valid_days)
    return {"valid_until": ends, "remind_at": ends - timedelta(days=policy.remind_days)}


def run_out(review: Review, fact: Event, *, within: Act) -> None:
    """The approval that the review gave has come to its end."""
    within.move(review, RUN_OUT, fact)


def withdraw(review: Review, *, within: Act) -> None:
    within.move(review, WITHDRAW, events.ReviewWithdrawn(), concluded_at=clock.now())


def supersede(release: Release, *, by: str, within: Act) -> None:
    within.move(release, SUPERSEDE, events.ReleaseSuperseded(by=by), ended_at=within.at)
    _no_longer_certified(release, _("Another version took its place."), within=within)


def roll_back(release: Release, *, to: str, within: Act) -> None:
    within.move(release, ROLL_BACK, events.ReleaseRolledBack(to=to), ended_at=within.at)
    _no_longer_certified(release, _("It was rolled back to an earlier version."), within=within)


def revoke(release: Release, *, reason: str, within: Act) -> None:
    within.move(release, REVOKE, events.ReleaseRevoked(reason=reason), ended_at=within.at, ended_why=reason[:64])
    _no_longer_certified(release, _("Its release was revoked: the approval no longer holds."), within=within)


def _no_longer_certified(release: Release, reason: str, *, within: Act) -> None:
    """What the gate certified for the release is taken back in the same act: a deployment that asks is told at once."""
    attestations.take_back(release.version, release.environment, reasons=[reason], within=within)


# -- findings -----------------------------------------------------------------------------------------------------------------

START_FINDING = Transition(frozenset({Finding.State.OPEN}), Finding.State.IN_PROGRESS)
READY_FINDING = Transition(frozenset({Finding.State.OPEN, Finding.State.IN_PROGRESS}), Finding.State.READY_FOR_RETEST)
CLOSE_FINDING = Transition(frozenset({Finding.State.READY_FOR_RETEST}), Finding.State.CLOSED)
REOPEN_FINDING = Transition(frozenset({Finding.State.READY_FOR_RETEST, Finding.State.ACCEPTED}), Finding.State.OPEN)
ACCEPT_FINDING = Transition(frozenset(Finding.OUTSTANDING), Finding.State.ACCEPTED)


def start_finding(finding: Finding, *, plan: str, within: Act, **columns: Any) -> None:
    within.move(finding, START_FINDING, events.FindingStarted(plan=Private(plan)), plan=plan, **columns)


def finding_is_ready(finding: Finding, *, done: str, within: Act, **columns: Any) -> None:
    within.move(finding, READY_FINDING, events.FindingReady(done=Private(done)), done=done, **columns)


def close_finding(finding: Finding, *, role: str, reason: str, within: Act, **columns: Any) -> None:
    within.move(finding, CLOSE_FINDING, events.FindingClosed(role=role, reason=Private(reason)), **columns)


def reopen_finding(finding: Finding, *, because: str, reason: str = "", within: Act, **columns: Any) -> None:
    within.move(finding, REOPEN_FINDING, events.FindingReopened(because=because, reason=Private(reason)), **columns)


def accept_finding(finding: Finding, *, exception: str, within: Act) -> None:
    within.move(finding, ACCEPT_FINDING, events.FindingAccepted(exception=exception))


def supersede_evidence(evidence: Evidence, *, by: Evidence, within: Act) -> None:
    fact = events.EvidenceSuperseded(by=str(by.pk), digest=evidence.digest)
    within.move(evidence, SUPERSEDE_EVIDENCE, fact, ended_by=by.uploaded_by, ended_at=within.at)


def withdraw_evidence(evidence: Evidence, *, by: Person, reason: str, within: Act) -> None:
    fact = events.EvidenceWithdrawn(kind=evidence.kind, digest=evidence.digest, reason=Private(reason))
    within.move(evidence, WITHDRAW_EVIDENCE, fact, ended_by=by, ended_at=within.at, reason=reason)


def stop_webhook(webhook: Webhook, *, because: str, within: Act) -> None:
    within.move(webhook, STOP_WEBHOOK, events.WebhookStopped(because=because))


def start_webhook(webhook: Webhook, *, cursor: int, within: Act) -> None:
    fact = events.WebhookStarted()
    within.move(webhook, START_WEBHOOK, fact, cursor=cursor, attempts=0, failing_since=None, next_at=within.at)


def report_condition(condition: Condition, fact: Event, *, within: Act, **columns: Any) -> UUID:
    return within.move(condition, REPORT, fact, **columns)


def refuse_report(condition: Condition, fact: Event, *, within: Act, **columns: Any) -> UUID:
    return within.move(condition, REFUSE_REPORT, fact, **columns)


def meet_condition(condition: Condition, fact: Event, *, within: Act, **columns: Any) -> UUID:
    return within.move(condition, MEET, fact, **columns)


def miss_condition(condition: Condition, fact: Event, *, within: Act, **columns: Any) -> UUID:
    return within.move(condition, MISS, fact, **columns)


# -- risk assessments ---------------------------------------------------------------------------------------------------------

ACTIVATE_ASSESSMENT = Transition(frozenset({RiskAssessment.State.DRAFT}), RiskAssessment.State.ACTIVE)
ARCHIVE_ASSESSMENT = Transition(
    frozenset({RiskAssessment.State.DRAFT, RiskAssessment.State.ACTIVE}), RiskAssessment.State.ARCHIVED
)


def activate_assessment(assessment: RiskAssessment, *, by: Person, tier: str, reason: str, overridden: bool, within: Act) -> None:
    fact = events.RiskAssessmentActivated(
        model=str(assessment.model_id),
        number=assessment.number,
        tier=tier,
        result=assessment.tier,
        overridden=overridden,
        reason=Private(reason),
    )
    recorded = within.move(
        assessment, ACTIVATE_ASSESSMENT, fact, tier=tier, overridden=overridden, activated_by=by, activated_at=within.at
    )
    RiskAssessment.objects.filter(pk=assessment.pk).update(activation_event=recorded)
    assessment.activation_event = recorded


def archive_assessment(assessment: RiskAssessment, *, by: RiskAssessment, within: Act) -> None:
    within.move(assessment, ARCHIVE_ASSESSMENT, events.RiskAssessmentArchived(by=str(by.pk)), archived_at=within.at)


# -- exceptions ---------------------------------------------------------------------------------------------------------------

_Exc = RequirementException.State
APPROVE_EXCEPTION = Transition(frozenset({_Exc.REQUESTED}), _Exc.APPROVED)
REFUSE_EXCEPTION = Transition(frozenset({_Exc.REQUESTED}), _Exc.REFUSED)
REVOKE_EXCEPTION = Transition(frozenset({_Exc.APPROVED}), _Exc.REVOKED)
EXPIRE_EXCEPTION = Transition(frozenset({_Exc.APPROVED}), _Exc.EXPIRED)


def decide_exception(
    row: RequirementException, fact: events.ExceptionApproved | events.ExceptionRefused, *, within: Act, **columns: Any
) -> None:
    step = APPROVE_EXCEPTION if isinstance(fact, events.ExceptionApproved) else REFUSE_EXCEPTION
    within.move(row, step, fact, decided_at=clock.now(), **columns)


def end_exception(row: RequirementException, fact: events.ExceptionRevoked, *, within: Act) -> None:
    within.move(row, REVOKE_EXCEPTION, fact)


def expire_exception(row: RequirementException, *, within: Act) -> None:
    within.move(row, EXPIRE_EXCEPTION, events.ExceptionExpired())


# -- change envelopes ---------------------------------------------------------------------------------------------------------

_ENVELOPE = ChangeEnvelope.State
ACTIVATE_ENVELOPE = Transition(frozenset({_ENVELOPE.PROPOSED}), _ENVELOPE.ACTIVE)
WITHDRAW_ENVELOPE = Transition(frozenset({_ENVELOPE.PROPOSED}), _ENVELOPE.WITHDRAWN)
REVOKE_ENVELOPE = Transition(frozenset({_ENVELOPE.ACTIVE}), _ENVELOPE.REVOKED)
EXPIRE_ENVELOPE = Transition(frozenset({_ENVELOPE.PROPOSED, _ENVELOPE.ACTIVE}), _ENVELOPE.EXPIRED)


def activate_envelope(envelope: ChangeEnvelope, *, within: Act) -> None:
    fact = events.ChangeEnvelopeActivated(digest=envelope.digest)
    within.move(envelope, ACTIVATE_ENVELOPE, fact, activated_at=within.at)


def withdraw_envelope(envelope: ChangeEnvelope, *, reason: str, within: Act) -> None:
    fact = events.ChangeEnvelopeWithdrawn(digest=envelope.digest, reason=Private(reason))
    within.move(envelope, WITHDRAW_ENVELOPE, fact, ended_at=within.at)


def revoke_envelope(envelope: ChangeEnvelope, *, role: str, proof: list[str], reason: str, within: Act) -> None:
    fact = events.ChangeEnvelopeRevoked(digest=envelope.digest, role=role, proof=proof, reason=Private(reason))
    within.move(envelope, REVOKE_ENVELOPE, fact, ended_at=within.at)


def expire_envelope(envelope: ChangeEnvelope, *, within: Act) -> None:
    within.move(envelope, EXPIRE_ENVELOPE, events.ChangeEnvelopeExpired(digest=envelope.digest), ended_at=within.at)


# -- delegations --------------------------------------------------------------------------------------------------------------

_ALIVE = frozenset(Delegation.ALIVE)
ACCEPT_DELEGATION = Transition(frozenset({Delegation.State.OFFERED}), Delegation.State.ACCEPTED)
DECLINE_DELEGATION = Transition(frozenset({Delegation.State.OFFERED}), Delegation.State.DECLINED)
END_DELEGATION = Transition(_ALIVE, Delegation.State.ENDED)
EXPIRE_DELEGATION = Transition(_ALIVE, Delegation.State.EXPIRED)


def accept_delegation(row: Delegation, *, proof: list[str], within: Act) -> None:
    fact = events.DelegationAccepted(delegate=str(row.delegate_id), role=row.role, proof=proof)
    within.move(row, ACCEPT_DELEGATION, fact, answered_at=within.at)


def decline_delegation(row: Delegation, *, within: Act) -> None:
    fact = events.DelegationDeclined(delegate=str(row.delegate_id), role=row.role)
    within.move(row, DECLINE_DELEGATION, fact, answered_at=within.at)


def end_delegation(row: Delegation, *, by: Person, within: Act) -> None:
    side = "delegator" if by.pk == row.delegator_id else "delegate"
    fact = events.DelegationEnded(side=side, role=row.role)
    within.move(row, END_DELEGATION, fact, ended_at=within.at, ended_by=by)


def expire_delegation(row: Delegation, *, within: Act) -> None:
    within.move(row, EXPIRE_DELEGATION, events.DelegationExpired(role=row.role), ended_at=within.at)
