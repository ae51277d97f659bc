"""What people ask of the audit workspace: a report of a version, and that the whole log be recomputed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from audit import events, jobs
from audit.models import IntegrityCheck, Report
from audit.permissions import can_check_log, can_request
from core.errors import WrongState
from ledger.actors import CLOCK
from ledger.acts import Act, act
from models_registry.models import Version

if TYPE_CHECKING:
    from accounts.models import Person


def request_report(version: Version, *, environment: str, by: Person) -> Report:
    """A report of the version as it stands in `environment` is in the queue; a worker makes it."""
    with act(by, attempt="request_report", on=version) as this:
        can_request(by, version).enforce()
        if version.state == Version.State.DRAFT or not version.checkpoint_digest:
            raise WrongState(
                _("%(version)s was never submitted, so there is nothing to report.") % {"version": version},
                code="never_submitted",
            )
        report = Report.objects.create(
            version=version,
            environment=environment,
            title=_("Audit report on %(version)s") % {"version": version},
            requested_by=by,
            queued_at=this.at,
        )
        this.record(events.ReportRequested(version_id=str(version.pk), environment=environment), on=report)
        transaction.on_commit(lambda: jobs.send(report))
    return report


def request_check(*, by: Person) -> IntegrityCheck:
    """The recomputation of the whole log is in the queue, or was already."""
    with act(by, attempt="check_log") as this:
        can_check_log(by).enforce()
        return _queue_check(within=this)


def check_when_due() -> None:
    """The clock asks for a recomputation once the last one lies too far back."""
    if jobs.check_is_due():
        with act(CLOCK) as this:
            _queue_check(within=this)


def _queue_check(*, within: Act) -> IntegrityCheck:
    waiting = IntegrityCheck.objects.filter(state__in=[IntegrityCheck.State.QUEUED, IntegrityCheck.State.RUNNING]).first()
    if waiting is not None:
        return waiting
    check = IntegrityCheck.objects.create(queued_at=within.at)
    within.record(events.IntegrityCheckRequested(), on=check)
    transaction.on_commit(lambda: jobs.send_check(check))
    return check
