"""The workers' edge: fetch, call, nothing else."""

from __future__ import annotations

from celery import shared_task

from audit import jobs, services
from audit.models import IntegrityCheck, Report
from ledger import leases


@shared_task(name="audit.render")
def render(report_id: str) -> None:
    """Make one report; a second delivery of the same message finds the lease taken and leaves."""
    jobs.render(Report.objects.with_parts().get(pk=report_id))


@shared_task(name="audit.check_log")
def check_log(check_id: str) -> None:
    """Recompute the whole log once."""
    jobs.check_log(IntegrityCheck.objects.get(pk=check_id))


@shared_task(name="audit.sweep")
def sweep() -> None:
    """Return what a silent worker left to the queue, ring again for what waits, and have the log checked when that is due."""
    leases.sweep(Report)
    leases.sweep(IntegrityCheck)
    for report in leases.waiting(Report):
        jobs.send(report)
    for check in leases.waiting(IntegrityCheck):
        jobs.send_check(check)
    services.check_when_due()
