"""The measurement itself: in the sandbox, outside any act, recorded once by the attempt that holds the lease."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings

from core import blobs
from core.canary import canary
from core.canonical import sha256_of
from core.charts import Chart as Drawn
from core.errors import Missing
from core.registry import Registry
from data_registry import locations
from evaluations import events, lifecycle, results
from evaluations.inputs import laid_out
from evaluations.models import Chart, EvaluationRun, Metric
from evaluations.progress import Watching
from evaluations.recipe import GIVEN, recipe
from evaluations.verdicts import judge
from ledger.leases import Lease, claim, next_in_line
from models_registry.jobs import PACKAGES
from sandbox import Level, Limits, Outcome, SandboxRefused, device_files, run

# Called in the act that settles a run, so that a higher package (governance) takes note in the same transaction.
settled: Registry[Any] = Registry("what follows an evaluation")
OUTPUT = 256 << 20  # bytes that a child may write
PREDICTIONS = "predictions.safetensors"


def send(evaluation: EvaluationRun) -> None:
    """Rings the doorbell; the row is the truth, so a lost message is made good by the sweeper."""
    current_app.send_task("evaluations.measure", args=[str(evaluation.pk)], queue="evaluations")


def limits_in_force() -> dict[str, int]:
    """Seconds and bytes that a run may take; stored with the run, so that a result says under which it was made."""
    return {"wall": settings.SANDBOX_WALL_SECONDS, "cpu": settings.SANDBOX_WALL_SECONDS, "memory": settings.SANDBOX_MEMORY}


def next_run() -> EvaluationRun | None:
    """The run whose turn it is, fairly between those who asked; None when nothing waits."""
    found = next_in_line(EvaluationRun, asker="asked_by")
    rows = EvaluationRun.objects.select_related("version__model", "version__inspection", "suite", "dataset_version__dataset")
    return rows.get(pk=found.pk) if found is not None else None


def measure(evaluation: EvaluationRun) -> bool:
    """The run is measured and recorded once, by the worker that holds its lease; False when another one has it."""
    lease = claim(evaluation, seconds=settings.LEASE_SECONDS)
    if lease is None:
        return False
    with tempfile.TemporaryDirectory(prefix="evaluate-") as name, lease.kept(), ExitStack() as held:
        try:
            outcome, made = _outcome(evaluation, Path(name), held)
        except Missing as missing:
            _give_up(evaluation, lease, ended=missing.code, error=str(missing))
            return True
        except SandboxRefused as refused:
            _give_up(evaluation, lease, ended="too_weak", error=str(refused))
            return True
        if outcome.ended == "called_off":
            return True  # it was cancelled, or another attempt has it: there is nothing to record
        try:
            found = results.answer_of(outcome)
            charts = results.drawn(found, evaluation.thresholds)
        except results.NoAnswer as why:
            level, evidence = outcome.level.name, outcome.evidence
            _give_up(evaluation, lease, ended=why.ended, error=str(why), level=level, sandbox=evidence, **made)
        else:
            _record(evaluation, lease, outcome, found, charts, **made)
    return True


def _outcome(evaluation: EvaluationRun, folder: Path, held: ExitStack) -> tuple[Outcome, dict[str, Any]]:
    """How the sandboxed child ended, and the columns that say what it was given. Raises Missing and SandboxRefused."""
    checkpoint = held.enter_context(blobs.local_copy(evaluation.checkpoint_digest, folder, "checkpoint"))
    dataset = held.enter_context(locations.local_copy(evaluation.dataset_version, folder, "dataset"))
    others, said = held.enter_context(laid_out(evaluation, folder))
    version, how = evaluation.version, recipe()
    job = {
        "format": version.inspection.format,
        "architecture": version.architecture,
        "reading": version.reading,
        "task": version.model.task,
        "classes": version.model.classes,
        "checks": evaluation.suite.checks,
        "missing": {name: one["missing"] for name, one in said.items() if "missing" in one},
        **{name: how[name] for name in GIVEN},
    }
    outcome = held.enter_context(
        run(
            "evaluations.engine.child",
            inputs={"checkpoint": checkpoint, "dataset": dataset, **others},
            job=job,
            limits=Limits(**evaluation.limits, output=OUTPUT),
            roots=[settings.BASE_DIR / package for package in PACKAGES],
            need=Level[evaluation.needed_level],
            canary=canary(),
            look=Watching(evaluation),
            devices=device_files() if how["device"] != "cpu" else (),
        )
    )
    return outcome, {"inputs": said, "recipe": how}


def _give_up(
    evaluation: EvaluationRun, lease: Lease, *, ended: str, error: str, level: str = "", sandbox: Any = None, **made: Any
) -> None:
    with lease.settle() as this:
        fact = events.EvaluationErrored(version_id=str(evaluation.version_id), ended=ended, level=level)
        lifecycle.give_up(evaluation, fact, within=this, error=error, sandbox=sandbox or {}, **made)
        for follow in settled:
            follow(evaluation, within=this)


def _record(
    evaluation: EvaluationRun, lease: Lease, outcome: Outcome, found: dict[str, Any], charts: list[Drawn], **made: Any
) -> None:
    digest = results_digest(evaluation, found)
    predictions = _keep_predictions(outcome)
    checks = {one["name"]: str(one.get("check") or "")[:64] for one in found["charts"]}
    drawn = [_chart(evaluation, one, check=checks.get(one.name, "")) for one in charts]
    with lease.settle() as this:
        metrics = [Metric(run=evaluation, **results.columns_of(one)) for one in found["metrics"]]
        Metric.objects.bulk_create(metrics)
        Chart.objects.bulk_create(drawn)
        lifecycle.complete(
            evaluation,
            events.EvaluationCompleted(
                version_id=str(evaluation.version_id),
                checkpoint=evaluation.checkpoint_digest,
                dataset=evaluation.dataset_digest,
                results_digest=digest,
                outcome=judge(metrics, evaluation.thresholds).outcome,
                rows=found["rows"],
                level=outcome.level.name,
                attempt=evaluation.attempt,
            ),
            within=this,
            sandbox=outcome.evidence,
            reference=found["reference"],
            facts={
                "rows": found["rows"],
                "versions": found["versions"],
                "batch": found.get("batch"),
                "resources": found["resources"],
                "not_run": found.get("not_run", []),
                "seconds": outcome.seconds,
            },
            results_digest=digest,
            predictions_digest=predictions.digest if predictions else "",
            predictions_size=predictions.size if predictions else 0,
            **made,
        )
        for follow in settled:
            follow(evaluation, within=this)


def _keep_predictions(outcome: Outcome) -> blobs.Blob | None:
    """The answers themselves, kept as a blob: what another version is compared with, and what a validator looks into."""
    file = outcome.folder / PREDICTIONS
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return blobs.receive(iter(lambda: content.read(blobs.CHUNK), b""), limit=OUTPUT)


def results_digest(evaluation: EvaluationRun, found: dict[str, Any]) -> str:
    """Over the numbers and what they were measured on; timings stand apart, because they differ from run to run."""
    lasting = [one for one in found["metrics"] if one["check"] != "resources"]
    return sha256_of(
        {
            "checkpoint": evaluation.checkpoint_digest,
            "dataset": evaluation.dataset_digest,
            "suite": evaluation.suite.digest,
            "metrics": lasting,
            "reference": found["reference"],
        }
    )


def _chart(evaluation: EvaluationRun, one: Drawn, *, check: str) -> Chart:
    return Chart(
        run=evaluation,
        name=one.name,
        check_name=check,
        title=one.title,
        description=one.description,
        light_digest=blobs.keep(one.light).digest,
        dark_digest=blobs.keep(one.dark).digest,
        table=one.table.as_json(),
    )
