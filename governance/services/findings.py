"""Raising findings, working on them, and testing again whether they are gone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Person, Role, Team
from core import clock
from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.affected import by_finding, locked_versions, refresh_reviews, suspend_all
from governance.models import Finding
from governance.models.finding import about
from governance.permissions.findings import can_own, can_raise, can_retest, can_revise, can_work, makers_of, team_of
from ledger.acts import Act, act
from ledger.events import Private
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from data_registry.models import DatasetVersion


def raise_finding(
    thing: RegisteredModel | Version | DatasetVersion,
    *,
    by: Person,
    title: str,
    description: str = "",
    severity: str,
    source: str,
    due_on: date,
    owner: Person | None = None,
    reference: str = "",
) -> Finding:
    """The finding is open, and signatures given before are stale. A critical one has taken back the approvals of what it is
    about, with their releases. Without `owner` it is whoever answers for the thing."""
    team = team_of(thing)
    with act(by, attempt="raise_finding", on=thing) as this:
        finding = prepared(
            thing,
            by=by,
            title=title,
            description=description,
            severity=severity,
            source=source,
            due_on=due_on,
            owner=owner,
            reference=reference,
        )
        versions = locked_versions(by_finding(finding))
        Team.objects.select_for_update().get(pk=team.pk)  # of two that name the same reference, the second finds the first
        raise_within(finding, within=this)
        take_effect(versions, suspends=severity == Finding.Severity.CRITICAL, within=this)
    return finding


def prepared(
    thing: RegisteredModel | Version | DatasetVersion,
    *,
    by: Person,
    title: str,
    description: str = "",
    severity: str,
    source: str,
    due_on: date,
    owner: Person | None = None,
    reference: str = "",
    makers: set[str] | None = None,
) -> Finding:
    """The finding as it would be raised; nothing is kept yet. `makers`: whose work the thing is, where the caller knows it."""
    team = team_of(thing)
    can_raise(by, team).enforce()
    if not title.strip():
        raise InvalidInput(_("Say in the title what is wrong."), code="title_missing")
    return Finding(
        **about(thing),
        team=team,
        title=title.strip(),
        description=description,
        severity=severity,
        source=source,
        due_on=due_on,
        owner=_owner(owner, thing, team),
        reference=reference.strip(),
        contributors=sorted(UUID(one) for one in (makers_of(thing) if makers is None else makers)),
        raised_by=by,
        raised_at=clock.now(),
    )


def raise_within(finding: Finding, *, within: Act) -> None:
    """What was prepared is kept, in an act of which it is a part; the team's row is locked already."""
    if finding.reference and Finding.objects.filter(team=finding.team, reference=finding.reference).exists():
        raise WrongState(
            _("This team already has a finding with the reference %(reference)s.") % {"reference": finding.reference},
            code="reference_taken",
        )
    finding.save(force_insert=True)
    thing = finding.subject
    fact = events.FindingRaised(
        about=thing.ledger_label,
        about_id=str(thing.pk),
        severity=finding.severity,
        source=finding.source,
        owner=str(finding.owner_id),
        due=finding.due_on.isoformat(),
        reference=Private(finding.reference),
        title=Private(finding.title),
        description=Private(finding.description),
    )
    within.record(fact, on=finding)


def revise_finding(
    finding: Finding, *, by: Person, severity: str, due_on: date, owner: Person | None = None, reason: str = ""
) -> Finding:
    """Severity, due date and owner (the same, if none is given) are these. What became critical takes back approvals."""
    with act(by, attempt="revise_finding", on=finding) as this:
        finding, versions = _locked(finding)
        worse = revise_within(finding, by=by, severity=severity, due_on=due_on, owner=owner, reason=reason, within=this)
        take_effect(versions, suspends=worse, within=this)
    return finding


def revise_within(
    finding: Finding,
    *,
    by: Person,
    severity: str,
    due_on: date,
    owner: Person | None,
    reason: str = "",
    makers: set[str] | None = None,
    within: Act,
) -> bool:
    """Whether the locked finding, which is revised, has become critical and takes approvals back. `makers`: as above."""
    can_revise(by, finding, makers=makers).enforce()
    if finding.state == Finding.State.CLOSED:
        raise WrongState(_("This finding is closed. Raise a new one."), code="closed")
    owner = owner or finding.owner
    if (severity, due_on, owner) == (finding.severity, finding.due_on, finding.owner):
        return False
    if owner != finding.owner:
        can_own_or_refuse(owner, finding.team)
    worse = severity == Finding.Severity.CRITICAL != finding.severity
    fact = events.FindingRevised(
        severity=severity,
        earlier_severity=finding.severity,
        owner=str(owner.pk),
        earlier_owner=str(finding.owner_id),
        due=due_on.isoformat(),
        earlier_due=finding.due_on.isoformat(),
        reason=Private(reason),
    )
    within.record(fact, on=finding)
    finding.severity, finding.due_on, finding.owner = severity, due_on, owner
    finding.save(update_fields=["severity", "due_on", "owner"])
    return worse and finding.is_outstanding


def plan_finding(finding: Finding, *, by: Person, plan: str) -> Finding:
    """The owner works on it by this plan."""
    if not plan.strip():
        raise InvalidInput(_("Say in the plan what will be done."), code="plan_missing")
    with act(by, attempt="plan_finding", on=finding) as this:
        finding = Finding.objects.with_parts().select_for_update(of=("self",)).get(pk=finding.pk)
        plan_within(finding, by=by, plan=plan, within=this)
    return finding


def plan_within(finding: Finding, *, by: Person, plan: str, within: Act) -> None:
    """The locked finding is worked on by this plan."""
    can_work(by, finding).enforce()
    if finding.state == Finding.State.IN_PROGRESS:
        finding.plan, finding.planned_by = plan, by
        finding.save(update_fields=["plan", "planned_by"])
        within.record(events.FindingPlanRevised(plan=Private(plan)), on=finding)
    else:
        lifecycle.start_finding(finding, plan=plan, within=within, planned_by=by)


def finding_is_mended(finding: Finding, *, by: Person, done: str) -> Finding:
    """The owner says that it is mended and how; it waits for somebody else to test it again."""
    if not done.strip():
        raise InvalidInput(_("Say what was done, so that it can be tested again."), code="done_missing")
    with act(by, attempt="finding_is_mended", on=finding) as this:
        finding = Finding.objects.with_parts().select_for_update(of=("self",)).get(pk=finding.pk)
        mended_within(finding, by=by, done=done, within=this)
    return finding


def mended_within(finding: Finding, *, by: Person, done: str, within: Act) -> None:
    """The locked finding waits for somebody else to test it again."""
    can_work(by, finding).enforce()
    lifecycle.finding_is_ready(finding, done=done, within=within, done_by=by)


def retest_finding(finding: Finding, *, by: Person, passed: bool, reason: str) -> Finding:
    """The finding is closed by somebody who neither owns it nor made what it is about; or, where it is still there, open."""
    if not reason.strip():
        raise InvalidInput(_("Say what was tested again and what came out."), code="reason_missing")
    with act(by, attempt="retest_finding", on=finding) as this:
        finding, versions = _locked(finding)
        retest_within(finding, by=by, passed=passed, reason=reason, within=this)
        refresh_reviews(versions, within=this)
    return finding


def retest_within(
    finding: Finding, *, by: Person, passed: bool, reason: str, makers: set[str] | None = None, within: Act
) -> None:
    """The locked finding is closed, or open again. `makers`: as above."""
    can_retest(by, finding, makers=makers).enforce()
    columns = {"retest_reason": reason, "retested_by": by, "retested_at": clock.now()}
    if passed:
        role = next(role for role in Finding.RETESTERS if by.holds(role, finding.team))
        lifecycle.close_finding(finding, role=Role(role).value, reason=reason, within=within, **columns)
    else:
        lifecycle.reopen_finding(finding, because="retest", reason=reason, within=within, **columns)


def _locked(finding: Finding) -> tuple[Finding, list[Version]]:
    """The finding and the versions that it concerns; the versions first, as everybody does."""
    versions = locked_versions(by_finding(finding))
    return Finding.objects.with_parts().select_for_update(of=("self",)).get(pk=finding.pk), versions


def take_effect(versions: list[Version], *, suspends: bool, within: Act) -> None:
    """What was found, or ended, counts for these locked versions and their open reviews."""
    if suspends:
        suspend_all(versions, reason="critical finding", within=within)
    refresh_reviews(versions, within=within)


def _owner(owner: Person | None, thing: RegisteredModel | Version | DatasetVersion, team: Team) -> Person:
    if owner is not None:
        can_own_or_refuse(owner, team)
        return owner
    if isinstance(thing, Version):
        return thing.model.owner
    return thing.owner if isinstance(thing, RegisteredModel) else thing.created_by


def can_own_or_refuse(owner: Person, team: Team) -> None:
    """Raise InvalidInput where a finding of the team cannot be given to this person."""
    may = can_own(owner, team)
    if not may:
        raise InvalidInput(may.reason, code=may.code)
