"""Asking for exceptions, deciding on them, taking them back; and what the clock does when they run out."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Membership, Person
from accounts.services import prove
from core import clock
from core.errors import InvalidInput, WrongState
from governance import events, lifecycle
from governance.affected import locked_versions, refresh_reviews
from governance.approvals import to_work_on
from governance.models import Finding, Policy, RequirementException
from governance.permissions.exceptions import can_decide, can_request, can_revoke, role_of
from governance.requirements import kinds
from ledger.actors import CLOCK
from ledger.acts import Act, act
from ledger.events import Private
from models_registry.models import Version

State = RequirementException.State


def request_exception(
    version: Version,
    *,
    by: Person,
    environment: str,
    kind: str,
    subject: str,
    reason: str,
    control: str,
    expires_on: date,
    whole_model: bool = False,
) -> RequirementException:
    """It is asked that this answer about the version (or about every version of its model) may stay unmet until that day."""
    if not reason.strip() or not control.strip():
        raise InvalidInput(_("Say why it cannot be met, and what makes up for it meanwhile."), code="reason_missing")
    with act(by, attempt="request_exception", on=version) as this:
        can_request(by, version.model.team).enforce()
        approval = to_work_on(version, environment)
        if approval.policy is None:
            raise WrongState(_("It was not submitted yet, so no policy asks anything of it."), code="not_submitted")
        asked = kinds.get(kind)
        if asked is None or not asked.excusable:
            raise InvalidInput(_("No exception stands in for this requirement: it must be met."), code="not_excusable")
        if not any((one.kind, one.subject) == (kind, subject) and one.blocks for one in approval.answers):
            raise WrongState(_("This requirement does not stand against approval now."), code="nothing_to_except")
        _check_day(expires_on, approval.policy)
        row = RequirementException.objects.create(
            model=version.model,
            version=None if whole_model else version,
            policy=approval.policy,
            kind=kind,
            subject=subject,
            reason=reason,
            control=control,
            expires_on=expires_on,
            requested_by=by,
            requested_at=clock.now(),
        )
        fact = events.ExceptionRequested(
            model_id=str(row.model_id),
            version_id=str(row.version_id or ""),
            policy=approval.policy.digest,
            kind=kind,
            subject=subject,
            until=expires_on.isoformat(),
            reason=Private(reason),
            control=Private(control),
        )
        this.record(fact, on=row)
    return row


def _check_day(expires_on: date, policy: Policy) -> None:
    allowed = policy.document.exceptions
    if not allowed.roles:
        raise InvalidInput(_("The policy %(policy)s lets nobody give exceptions.") % {"policy": policy}, code="no_exceptions")
    today = clock.today()
    last = today + timedelta(days=allowed.most_days)
    if not today <= expires_on <= last:
        said = _("The last day lies between today and %(last)s: under this policy an exception stands for at most %(days)s days.")
        raise InvalidInput(said % {"last": last.isoformat(), "days": allowed.most_days}, code="expiry")


def approve_exception(
    row: RequirementException, *, by: Person, password: str, code: str = "", decision: str = ""
) -> RequirementException:
    """The answer is excepted until the last day. A finding that it stands in for is accepted."""
    proof = prove(by, password=password, code=code)  # outside the act: a failed proof is recorded by itself
    with act(by, attempt="approve_exception", on=row) as this:
        row, versions, by = _locked(row, by)
        can_decide(by, row).enforce()
        if row.state == State.REQUESTED:
            _check_day(row.expires_on, row.policy)
        role = str(role_of(by, row))
        fact = events.ExceptionApproved(
            role=role,
            until=row.expires_on.isoformat(),
            policy=row.policy.digest,
            proof=list(proof.methods),
            decision=Private(decision),
        )
        lifecycle.decide_exception(row, fact, within=this, decided_by=by, decided_as=role, decision=decision)
        if (finding := _finding_of(row)) and finding.is_outstanding:
            lifecycle.accept_finding(finding, exception=str(row.pk), within=this)
        refresh_reviews(versions, within=this)
    return row


def refuse_exception(row: RequirementException, *, by: Person, decision: str) -> RequirementException:
    """The requirement has to be met."""
    if not decision.strip():
        raise InvalidInput(_("Say why it is refused."), code="decision_missing")
    with act(by, attempt="refuse_exception", on=row) as this:
        row, _versions, by = _locked(row, by)
        can_decide(by, row).enforce()
        role = str(role_of(by, row))
        fact = events.ExceptionRefused(role=role, decision=Private(decision))
        lifecycle.decide_exception(row, fact, within=this, decided_by=by, decided_as=role, decision=decision)
    return row


def revoke_exception(row: RequirementException, *, by: Person, reason: str) -> RequirementException:
    """The requirement has to be met from now on, and a finding whose risk was accepted is open again."""
    if not reason.strip():
        raise InvalidInput(_("Say why it is taken back."), code="reason_missing")
    with act(by, attempt="revoke_exception", on=row) as this:
        row, versions, by = _locked(row, by)
        can_revoke(by, row).enforce()
        fact = events.ExceptionRevoked(role=str(role_of(by, row)), reason=Private(reason))
        lifecycle.end_exception(row, fact, within=this)
        _has_ended(row, versions, within=this)
    return row


def expire_exceptions() -> None:
    """Each exception whose last day is over is recorded as expired, in an act of its own."""
    over = RequirementException.objects.filter(state=State.APPROVED, expires_on__lt=clock.today())
    for key in list(over.order_by("pk").values_list("pk", flat=True)):
        with act(CLOCK) as this:
            row, versions = _locked_rows(RequirementException.objects.get(pk=key))
            if row.state == State.APPROVED:  # somebody may have taken it back meanwhile
                lifecycle.expire_exception(row, within=this)
                _has_ended(row, versions, within=this)


def _has_ended(row: RequirementException, versions: list[Version], *, within: Act) -> None:
    finding = _finding_of(row)
    if finding is not None and finding.state == Finding.State.ACCEPTED and not _others_accept(row):
        lifecycle.reopen_finding(finding, because="exception", within=within)
    refresh_reviews(versions, within=within)


def _others_accept(row: RequirementException) -> bool:
    same = RequirementException.objects.standing().filter(kind=row.kind, subject=row.subject).exclude(pk=row.pk)
    return same.filter(model=row.model_id, version=row.version_id).exists()


def _finding_of(row: RequirementException) -> Finding | None:
    """The finding whose risk is accepted, where the exception is for all that it is about."""
    if row.kind != "findings":
        return None
    rows = Finding.objects.select_for_update(of=("self",)).filter(pk=row.subject, model=row.model_id, version=row.version_id)
    return rows.first()


def _locked(row: RequirementException, by: Person) -> tuple[RequirementException, list[Version], Person]:
    """The rows, and the person with the roles that they hold at this moment and until the act ends."""
    found, versions = _locked_rows(row)
    list(Membership.objects.select_for_update().filter(person=by.pk))
    return found, versions, Person.objects.get(pk=by.pk)


def _locked_rows(row: RequirementException) -> tuple[RequirementException, list[Version]]:
    """The versions first, as everybody does."""
    versions = locked_versions(Q(pk=row.version_id) if row.version_id else Q(model=row.model_id))
    return RequirementException.objects.with_parts().select_for_update(of=("self",)).get(pk=row.pk), versions
