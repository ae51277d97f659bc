"""The steps between a version's states, and between an inspection's, as data; the only callers of `Act.move` here."""

from __future__ import annotations

from typing import Any

from ledger.acts import Act, Transition
from ledger.events import Private
from ledger.leases import COMPLETE, FAIL
from models_registry import events
from models_registry.models import Inspection, Version

State = Version.State

SUBMIT = Transition(frozenset({State.DRAFT}), State.SUBMITTED)
WITHDRAW = Transition(frozenset({State.DRAFT, State.SUBMITTED, State.IN_REVIEW, State.CHANGES_REQUESTED}), State.WITHDRAWN)
OPEN_TO_REVIEWERS = Transition(frozenset({State.SUBMITTED}), State.IN_REVIEW)
APPROVE = Transition(frozenset({State.IN_REVIEW}), State.APPROVED)
APPROVE_WITH_CONDITIONS = Transition(frozenset({State.IN_REVIEW}), State.APPROVED_WITH_CONDITIONS)
# Looked at anew while approved: the version stays approved without a gap, under another review.
RENEW = Transition(frozenset({State.APPROVED, State.APPROVED_WITH_CONDITIONS}), State.APPROVED)
RENEW_WITH_CONDITIONS = Transition(RENEW.sources, State.APPROVED_WITH_CONDITIONS)
FULFIL = Transition(frozenset({State.APPROVED_WITH_CONDITIONS}), State.APPROVED)
REQUEST_CHANGES = Transition(frozenset({State.IN_REVIEW}), State.CHANGES_REQUESTED)
REJECT = Transition(frozenset({State.SUBMITTED, State.IN_REVIEW}), State.REJECTED)
REOPEN = Transition(
    frozenset({State.CHANGES_REQUESTED, State.APPROVED, State.APPROVED_WITH_CONDITIONS, State.SUSPENDED}), State.IN_REVIEW
)
SUSPEND = Transition(
    frozenset({State.IN_REVIEW, State.CHANGES_REQUESTED, State.APPROVED, State.APPROVED_WITH_CONDITIONS}), State.SUSPENDED
)
RETIRE = Transition(frozenset({State.APPROVED, State.APPROVED_WITH_CONDITIONS, State.SUSPENDED}), State.RETIRED)


def submit(version: Version, fact: events.VersionSubmitted, *, within: Act, **columns: Any) -> None:
    within.move(version, SUBMIT, fact, **columns)


def withdraw(version: Version, *, within: Act) -> None:
    within.move(version, WITHDRAW, events.VersionWithdrawn())


def open_to_reviewers(version: Version, *, within: Act) -> None:
    within.move(version, OPEN_TO_REVIEWERS, events.VersionInReview())


def reopen(version: Version, *, within: Act) -> None:
    within.move(version, REOPEN, events.VersionReopened())


def approve(version: Version, *, review: str, digest: str, within: Act) -> None:
    step = RENEW if version.state in RENEW.sources else APPROVE
    within.move(version, step, events.VersionApproved(review=review, digest=digest))


def approve_with_conditions(version: Version, *, review: str, digest: str, within: Act) -> None:
    step = RENEW_WITH_CONDITIONS if version.state in RENEW.sources else APPROVE_WITH_CONDITIONS
    within.move(version, step, events.VersionApprovedWithConditions(review=review, digest=digest))


def fulfil(version: Version, *, review: str, digest: str, within: Act) -> None:
    """Every condition is met."""
    within.move(version, FULFIL, events.VersionApproved(review=review, digest=digest))


def request_changes(version: Version, *, review: str, within: Act) -> None:
    within.move(version, REQUEST_CHANGES, events.VersionChangesRequested(review=review))


def reject(version: Version, *, reason: str, review: str = "", within: Act) -> None:
    within.move(version, REJECT, events.VersionRejected(reason=reason, review=review))


def suspend(version: Version, *, reason: str, alert: str = "", within: Act) -> None:
    within.move(version, SUSPEND, events.VersionSuspended(reason=reason, alert=alert))


def retire(version: Version, *, reason: str, within: Act) -> None:
    within.move(version, RETIRE, events.VersionRetired(reason=Private(reason)))


def complete(inspection: Inspection, fact: events.InspectionCompleted, *, within: Act, **columns: Any) -> None:
    within.move(inspection, COMPLETE, fact, **columns)


def give_up(inspection: Inspection, fact: events.InspectionErrored, *, within: Act, **columns: Any) -> None:
    within.move(inspection, FAIL, fact, **columns)
