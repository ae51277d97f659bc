"""The making of a report, and the check of the whole log: outside any act, recorded once by the attempt with the lease."""

from __future__ import annotations

import logging
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.utils.translation import gettext as _

from audit import events, lifecycle, signing
from audit.attachments import attachments
from audit.composing import Composition, compose
from audit.models import IntegrityCheck, Report
from audit.printing import render as render_pages
from audit.verification import Verified, verify
from core import blobs, clock
from core.errors import DomainError, Unavailable
from ledger.leases import Lease, claim
from ledger.models import Leaf, Seal, Tree
from ledger.services import fsck, sequence_and_seal

log = logging.getLogger(__name__)
STEPS = ("collecting", "recording", "printing", "signing", "verifying")
PATIENCE = 30  # seconds until the sequencer must have given an event its place
CHECK_EVERY = timedelta(days=1)  # the whole log is recomputed at least so often,
CHECK_NO_SOONER = timedelta(minutes=1)  # and, while it is young, whenever it has doubled


class NotVerified(Unavailable):
    """The finished file did not pass the offline verifier, so it is not given out."""

    code = "not_verified"


def send(report: Report) -> None:
    """Rings the doorbell; the row is the truth, so a lost message is made good by the sweeper."""
    current_app.send_task("audit.render", args=[str(report.pk)], queue="reports")


def send_check(check: IntegrityCheck) -> None:
    """As `send`."""
    current_app.send_task("audit.check_log", args=[str(check.pk)], queue="reports")


def render(report: Report) -> None:
    """The report is made and given out once, by the worker that holds its lease; what stops it is said on its page."""
    lease = claim(report, seconds=settings.LEASE_SECONDS)
    if lease is None:
        return
    try:
        with lease.kept():
            _make(report, lease)
    except DomainError as refusal:
        if refusal.code == "lease_lost":
            return
        why = refusal.code if refusal.code in {"not_rendered", "not_verified"} else "unavailable"
        _give_up(report, lease, why=why, error=str(refusal))
    except Exception:
        log.exception("A report could not be made.")
        error = _("Something went wrong while the report was made; the server's log says what.")
        _give_up(report, lease, why="failed", error=error)


def _make(report: Report, lease: Lease) -> None:
    """Compose, record the content, seal, print with the proofs, sign, verify, give out. The order is what makes it proof."""
    _tell(report, "collecting")
    composition = compose(report)
    _tell(report, "recording")
    composed = _record_content(report, lease, composition)
    seal = _sealed(composed)
    _tell(report, "printing")
    files = attachments(composition, seal=seal, composed=composed)
    pages = render_pages(composition, files, seal=seal)
    _tell(report, "signing")
    signed = signing.sign(pages.pdf)
    _tell(report, "verifying")
    verified = _verified(signed)
    blob = blobs.keep(signed)
    with lease.settle() as this:
        lifecycle.issue(
            report,
            events.ReportIssued(
                version_id=str(report.version_id),
                content_digest=composition.digest,
                pdf_digest=blob.digest,
                log_size=seal.size,
                pages=pages.pages,
                attempt=report.attempt,
            ),
            within=this,
            outcome=composition.content["decision"]["outcome"],
            content_digest=composition.digest,
            log_size=seal.size,
            pdf_digest=blob.digest,
            pdf_size=blob.size,
            pages=pages.pages,
            files={name: {"sha256": one.sha256, "size": len(one.data)} for name, one in files.items()},
            verification=verified.items,
            error="",
            progress={"done": len(STEPS), "total": len(STEPS), "step": ""},
        )


def _tell(report: Report, step: str) -> None:
    """How far it is, for those who wait. A heartbeat, no fact: it stands outside the acts."""
    progress = {"done": STEPS.index(step), "total": len(STEPS), "step": step}
    Report.objects.filter(pk=report.pk, attempt=report.attempt).update(progress=progress)


def _record_content(report: Report, lease: Lease, composition: Composition) -> UUID:
    """The digest of the content is in the log before anything is sealed; returns the event."""
    with lease.settle() as this:
        return this.record(
            events.ReportComposed(
                version_id=str(report.version_id),
                environment=report.environment,
                content_digest=composition.digest,
                outcome=composition.content["decision"]["outcome"],
                entries=len(composition.material.entries),
                attempt=report.attempt,
            ),
            on=report,
        )


def _sealed(event: UUID) -> Seal:
    """A seal over the log that has the event in it."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seal = sequence_and_seal()
        if seal is not None and Leaf.objects.filter(event=event, index__lt=seal.size).exists():
            return seal
        if time.monotonic() > deadline:
            raise Unavailable(_("The log was not sealed in time. Try again in a minute."), code="log_behind")
        time.sleep(0.2)


def _verified(pdf: bytes) -> Verified:
    """What the offline verifier says of the finished file; a report that it refuses is never given out."""
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        file = Path(folder) / "report.pdf"
        file.write_bytes(pdf)
        verified = verify(file)
    if verified.exit_code != 0:
        raise NotVerified(
            _("The finished report did not pass its verification, so it is not given out. %(why)s")
            % {"why": verified.first_failure}
        )
    return verified


def _give_up(report: Report, lease: Lease, *, why: str, error: str) -> None:
    try:
        with lease.settle() as this:
            fact = events.ReportErrored(version_id=str(report.version_id), why=why, attempt=report.attempt)
            lifecycle.give_up(report, fact, within=this, error=error)
    except DomainError as lost:
        log.warning("A report's failure was not recorded: %s", lost)


def check_log(check: IntegrityCheck) -> None:
    """The whole log is recomputed and the result recorded once."""
    lease = claim(check, seconds=settings.LEASE_SECONDS)
    if lease is None:
        return
    try:
        with lease.kept():
            found = fsck()
        with lease.settle() as this:
            fact = events.IntegrityCheckCompleted(holds=found.holds, size=found.size, entry=found.index, attempt=check.attempt)
            lifecycle.conclude(
                check, fact, within=this, holds=found.holds, size=found.size, sentence=found.sentence, entry=found.index
            )
        if not found.holds:
            log.critical("The log does not hold.", extra={"facts": {"entry": found.index, "sentence": found.sentence}})
    except DomainError as refusal:
        if refusal.code == "lease_lost":
            return
        with lease.settle() as this:
            lifecycle.abandon(check, within=this, error=str(refusal))


def check_is_due() -> bool:
    """Whether the last recomputation lies too far back, or covers less than half of what the log holds now."""
    newest = IntegrityCheck.objects.order_by("-queued_at").first()
    if newest is None:
        return True
    passed = clock.now() - newest.queued_at
    size = Tree.objects.values_list("size", flat=True).first() or 0
    return passed >= CHECK_EVERY or (passed >= CHECK_NO_SOONER and size >= 2 * newest.size)
