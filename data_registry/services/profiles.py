"""What a worker's reading of a registered version leaves behind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.canonical import sha256_of
from core.clock import now
from data_registry import coverage, jobs
from data_registry.events import ProfileCompleted, ProfileFailed
from data_registry.lifecycle import COMPLETE, FAIL
from data_registry.models import Profile
from data_registry.scan_results import ScanResult
from data_registry.services.findings import record_scanned
from ledger import leases
from ledger.leases import Lease

RING_AGAIN = timedelta(seconds=30)  # a profile that waits longer may have lost its message


def complete_profile(profile: Profile, *, lease: Lease, result: ScanResult, sandbox: dict[str, Any]) -> Profile:
    """The profile holds what was counted and what was not checked, and each finding stands beside the declared ones.
    Raises WrongState when another attempt took the job over."""
    not_checked = [*result.not_checked, {"code": coverage.ALWAYS}]
    with lease.settle() as this:
        for finding in result.findings:
            record_scanned(
                profile.dataset_version,
                column=finding.column,
                category=finding.category,
                kind=finding.kind,
                present=finding.present,
                evaluated_by=result.tool,
                matched=finding.matched,
                scanned=finding.scanned,
                within=this,
            )
        this.move(
            profile,
            COMPLETE,
            ProfileCompleted(
                facts_digest=sha256_of(result.facts),
                findings=len(result.findings),
                not_checked=len(not_checked),
                sandbox_level=str(sandbox.get("level", "")),
            ),
            facts=result.facts,
            not_checked=not_checked,
            sandbox=sandbox,
            error="",
            lease_until=None,
            finished_at=this.at,
        )
    return profile


def fail_profile(profile: Profile, *, lease: Lease, reason: str, sandbox: dict[str, Any]) -> Profile:
    """The profile is errored with one sentence, and what its data holds stays unknown."""
    with lease.settle() as this:
        this.move(
            profile,
            FAIL,
            ProfileFailed(reason=reason, sandbox_level=str(sandbox.get("level", ""))),
            error=reason,
            sandbox=sandbox,
            lease_until=None,
            finished_at=this.at,
        )
    return profile


def sweep_profiles() -> int:
    """Profiles whose worker fell silent wait again, and a worker hears of each that waits; returns how many were swept."""
    swept = leases.sweep(Profile)
    waiting = Profile.objects.filter(state=Profile.State.QUEUED, queued_at__lt=now() - RING_AGAIN)
    for profile in waiting.order_by("queued_at")[:100]:
        jobs.ring_for_profile(profile)
    return swept
