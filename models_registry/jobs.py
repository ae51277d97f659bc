"""Work that a submission asks of the workers: the inspection of the checkpoint's bytes in the sandbox."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeGuard

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy

from core import blobs, clock
from core.canary import canary
from core.canonical import sha256_of
from core.errors import InvalidInput, Missing
from core.registry import Registry
from ledger.acts import Act
from ledger.leases import Lease, claim
from models_registry import events, lifecycle
from models_registry.inspection.formats import Format
from models_registry.inspection.report import MOST_REASONS, Verdict
from models_registry.models import Inspection, Version
from models_registry.succession import previous_of
from sandbox import Level, Limits, Outcome, SandboxRefused, run

# Called in the act that settles an inspection, so that a higher package (governance) moves the version in the same transaction.
settled: Registry[Any] = Registry("what follows an inspection")

PACKAGES = ("models_registry/inspection", "evaluations/engine", "measures", "sandbox")  # all that a child may import of ours

UNREADABLE = gettext_lazy("What the inspection answered cannot be read, so nothing of it was believed.")


def ask_for_inspection(version: Version, *, within: Act) -> Inspection:
    """An inspection of the version's bytes stands in the queue; the message is sent when the act is committed."""
    inspection = Inspection.objects.create(version=version, queued_at=clock.now())
    within.record(events.InspectionQueued(version_id=str(version.pk), checkpoint=version.checkpoint_digest), on=inspection)
    transaction.on_commit(lambda: send(inspection), robust=True)  # without a broker the sweep rings later
    return inspection


def send(inspection: Inspection) -> None:
    """Rings the doorbell; the row is the truth, so a lost message is made good by the sweeper."""
    current_app.send_task("models_registry.inspect", args=[str(inspection.pk)], queue="evaluations")


def limits() -> Limits:
    wall = settings.SANDBOX_WALL_SECONDS
    return Limits(wall=wall, cpu=wall, memory=settings.SANDBOX_MEMORY, output=256 << 20)


def inspect(inspection: Inspection) -> None:
    """The inspection is done once, by the worker that holds its lease."""
    lease = claim(inspection, seconds=settings.LEASE_SECONDS)
    if lease is None:
        return
    version = inspection.version
    with tempfile.TemporaryDirectory(prefix="inspect-") as folder, lease.kept(), ExitStack() as held:
        try:
            inputs = {"checkpoint": held.enter_context(blobs.local_copy(version.checkpoint_digest, Path(folder), "checkpoint"))}
        except Missing as missing:
            _give_up(inspection, lease, ended="unreadable", error=str(missing))
            return
        previous = previous_of(version)
        if previous is not None:
            with suppress(Missing):  # the bytes of an earlier version may be gone; then nothing is compared
                inputs["previous"] = held.enter_context(blobs.local_copy(previous.checkpoint_digest, Path(folder), "previous"))
        try:
            outcome = held.enter_context(
                run(
                    "models_registry.inspection.child",
                    inputs=inputs,
                    job={"architecture": version.architecture, "previous": _reference(previous)},
                    limits=limits(),
                    roots=[settings.BASE_DIR / package for package in PACKAGES],
                    need=Level.L1,
                    canary=canary(),
                )
            )
        except SandboxRefused as refused:
            _give_up(inspection, lease, ended="too_weak", error=str(refused))
            return
        said: dict[str, Any] = {"level": outcome.level.name, "sandbox": outcome.evidence}
        if outcome.ended != "finished":
            _give_up(inspection, lease, ended=outcome.ended, error=outcome.sentence, **said)
        elif not readable(outcome.result):
            _give_up(inspection, lease, ended="garbled", error=str(UNREADABLE), **said)
        else:
            _record(inspection, lease, outcome, outcome.result)


def readable(found: Any) -> TypeGuard[dict[str, Any]]:
    """Whether the child's answer has the shape that its program gives it; the child had untrusted bytes in hand."""
    if not isinstance(found, dict) or found.get("verdict") not in list(Verdict) or found.get("format") not in list(Format):
        return False
    reasons, facts = found.get("reasons"), found.get("facts")
    if not isinstance(reasons, list) or len(reasons) > MOST_REASONS or not isinstance(facts, dict):
        return False
    if not all(isinstance(reason, dict) and isinstance(reason.get("sentence"), str) for reason in reasons):
        return False
    try:
        sha256_of([reasons, facts])  # both are kept, the facts recorded by their digest
    except InvalidInput:
        return False
    return True


def _reference(previous: Version | None) -> dict[str, Any]:
    """What the facts say of the version that was compared with."""
    if previous is None:
        return {}
    return {"id": str(previous.pk), "number": previous.number, "state": previous.state, "checkpoint": previous.checkpoint_digest}


def _give_up(inspection: Inspection, lease: Lease, *, ended: str, error: str, level: str = "", sandbox: Any = None) -> None:
    with lease.settle() as this:
        fact = events.InspectionErrored(version_id=str(inspection.version_id), ended=ended, level=level)
        finished = {"error": error, "sandbox": sandbox or {}, "finished_at": clock.now()}
        lifecycle.give_up(inspection, fact, within=this, **finished)
        for follow in settled:
            follow(inspection, within=this)


def _record(inspection: Inspection, lease: Lease, outcome: Outcome, found: dict[str, Any]) -> None:
    version = inspection.version
    with lease.settle() as this:
        lifecycle.complete(
            inspection,
            events.InspectionCompleted(
                version_id=str(version.pk),
                checkpoint=version.checkpoint_digest,
                verdict=found["verdict"],
                format=found["format"],
                level=outcome.level.name,
                facts_digest=sha256_of(found["facts"]),
                attempt=inspection.attempt,
            ),
            within=this,
            verdict=found["verdict"],
            format=found["format"],
            reasons=found["reasons"],
            facts=found["facts"],
            sandbox=outcome.evidence,
            finished_at=clock.now(),
        )
        if found["verdict"] == Inspection.Verdict.REFUSED:
            named = [reason["sentence"][:300] for reason in found["reasons"]][:20]
            this.record(
                events.CheckpointRefused(checkpoint=version.checkpoint_digest, format=found["format"], found=named), on=version
            )
        for follow in settled:
            follow(inspection, within=this)
