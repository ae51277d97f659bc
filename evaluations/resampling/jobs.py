"""The measurements of a set: each checkpoint inspected and measured in the sandbox, then all combined, each under its lease."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.utils.translation import gettext as _

from core import blobs
from core.canary import canary
from core.errors import Missing
from data_registry import locations
from evaluations.jobs import OUTPUT, limits_in_force
from evaluations.recipe import GIVEN, recipe
from evaluations.resampling import combining, events, lifecycle
from evaluations.resampling.models import WHOLE, Combination, Fold
from evaluations.resampling.splits import read_split
from evaluations.results import Garbled, NoAnswer, answer_of, believable
from ledger.leases import Lease, claim
from models_registry.inspection.formats import PROGRAMS
from models_registry.jobs import PACKAGES, UNREADABLE, readable
from models_registry.models import Inspection
from sandbox import Level, Limits, Outcome, SandboxRefused, device_files, run

CHECKS = [{"name": "performance"}, {"name": "row_losses"}]
LONGEST_DIGEST = 71  # characters: "sha256:" and 64 hexadecimal digits
UNDONE = ("queued", "running")


class CannotFold(Exception):
    """The checkpoint of a part cannot be measured: `ended` says how in one word, the message in a sentence."""

    def __init__(self, ended: str, sentence: str, outcome: Outcome | None = None) -> None:
        super().__init__(sentence)
        self.ended, self.outcome = ended, outcome


def send_next(resampling: Any) -> None:
    """Rings for the next step of the set (its id): the first fold that waits, else the combination.

    One at a time, so that a set of two hundred refits does not stand before what others asked for. The rows are the truth: a
    lost message is made good by the sweeper.
    """
    fold = Fold.objects.filter(resampling=resampling, state=Fold.State.QUEUED).first()
    if fold is not None:
        current_app.send_task("evaluations.measure_fold", args=[str(fold.pk)], queue="evaluations")
    elif (combination := Combination.objects.filter(resampling=resampling, state=Combination.State.QUEUED).first()) is not None:
        current_app.send_task("evaluations.combine_folds", args=[str(combination.pk)], queue="evaluations")


# -- one fold --------------------------------------------------------------------------------------------------------------


def measure(fold: Fold) -> None:
    """The fold is measured and recorded once, by the worker that holds its lease."""
    lease = claim(fold, seconds=settings.LEASE_SECONDS)
    if lease is None:
        return
    with tempfile.TemporaryDirectory(prefix="fold-") as name, lease.kept(), ExitStack() as held:
        try:
            columns, fact = _measured(fold, Path(name), held)
        except CannotFold as why:
            _give_up(fold, lease, why)
        except Missing as missing:
            _give_up(fold, lease, CannotFold(missing.code, str(missing)))
        except SandboxRefused as refused:
            _give_up(fold, lease, CannotFold("too_weak", str(refused)))
        else:
            with lease.settle() as this:
                lifecycle.complete(fold, fact, within=this, **columns)
    send_next(fold.resampling_id)


def _measured(fold: Fold, folder: Path, held: ExitStack) -> tuple[dict[str, Any], events.FoldMeasured]:
    """The columns of a completed fold and the fact of it. Raises CannotFold, Missing and SandboxRefused."""
    data = fold.resampling.dataset_version
    checkpoint = held.enter_context(blobs.local_copy(fold.checkpoint_digest, folder, "checkpoint"))
    dataset = held.enter_context(locations.local_copy(data, folder, "dataset"))
    rows = folder / "rows"
    rows.write_text(json.dumps(_rows(fold)), encoding="utf-8")
    format_ = _format(fold, checkpoint)
    inputs = {"checkpoint": checkpoint, "dataset": dataset, "rows": rows}
    need, how = Level.L2 if format_ in PROGRAMS else Level.L1, recipe()
    devices = device_files() if how["device"] != "cpu" else ()
    outcome = held.enter_context(_run("evaluations.engine.child", _job(fold, format_, how), inputs, need=need, devices=devices))
    try:
        found = answer_of(outcome)
        believable(found)
        if found["rows"] != fold.rows:
            raise Garbled("rows")
        losses = combining.losses_of(found) if fold.resampling.method == "bootstrap" else None
        if not isinstance(weights := found.get("weights"), str) or len(weights) > LONGEST_DIGEST:
            raise Garbled("weights")
    except NoAnswer as why:
        raise CannotFold(why.ended, str(why), outcome) from why
    facts = {"format": format_, "weights": weights, "versions": found["versions"], "seconds": outcome.seconds, "recipe": how}
    if losses is not None:
        facts["row_losses"] = losses
    fact = events.FoldMeasured(
        version_id=str(fold.resampling.version_id),
        number=fold.number,
        checkpoint=fold.checkpoint_digest,
        weights=weights,
        rows=found["rows"],
        level=outcome.level.name,
        attempt=fold.attempt,
    )
    kept = [one for one in found["metrics"] if one["check"] == "performance"]
    return {"metrics": kept, "facts": facts, "sandbox": outcome.evidence}, fact


def _rows(fold: Fold) -> list[int]:
    """What it is measured on: the rows that its part holds out; the version itself on all that it was trained on."""
    plan = read_split(blobs.read(fold.resampling.split_digest))
    found: list[int] = list(range(plan.rows)) if fold.number == WHOLE else plan.held_out(fold.number).tolist()
    return found


def _format(fold: Fold, checkpoint: Path) -> str:
    """The format of a usable checkpoint; each is inspected as a version's is, before anything of it is loaded."""
    job = {"architecture": fold.resampling.version.architecture}
    with _run("models_registry.inspection.child", job, {"checkpoint": checkpoint}, need=Level.L1) as outcome:
        if outcome.ended != "finished":
            raise CannotFold(outcome.ended, outcome.sentence, outcome)
        if not readable(found := outcome.result):
            raise CannotFold("garbled", str(UNREADABLE), outcome)
        if found.get("verdict") not in Inspection.USABLE:
            reason: dict[str, Any] = next(iter(found["reasons"]), {})
            said = f"{reason.get('sentence', '')} {reason.get('remedy', '')}".strip()[:1000]
            raise CannotFold("refused", _("Its checkpoint was not accepted. %(why)s") % {"why": said}, outcome)
        return str(found["format"])


def _job(fold: Fold, format_: str, how: dict[str, Any]) -> dict[str, Any]:
    version = fold.resampling.version
    return {
        "format": format_,
        "architecture": version.architecture,
        "reading": version.reading,
        "task": version.model.task,
        "classes": version.model.classes,
        "checks": CHECKS if fold.resampling.method == "bootstrap" else CHECKS[:1],
        **{name: how[name] for name in GIVEN},
    }


def _run(module: str, job: dict[str, Any], inputs: dict[str, Path], *, need: Level, devices: Sequence[str] = ()) -> Outcome:
    return run(
        module,
        inputs=inputs,
        job=job,
        limits=Limits(**limits_in_force(), output=OUTPUT),
        roots=[settings.BASE_DIR / package for package in PACKAGES],
        need=need,
        canary=canary(),
        devices=devices,
    )


def _give_up(fold: Fold, lease: Lease, why: CannotFold) -> None:
    outcome = why.outcome
    with lease.settle() as this:
        fact = events.FoldErrored(
            version_id=str(fold.resampling.version_id),
            number=fold.number,
            ended=why.ended,
            level=outcome.level.name if outcome else "",
        )
        lifecycle.give_up(fold, fact, within=this, error=str(why), sandbox=outcome.evidence if outcome else {})


# -- all folds -------------------------------------------------------------------------------------------------------------


def combine(combination: Combination) -> None:
    """Once no fold is still to come, the set has its numbers, or the one reason why it has none."""
    resampling = combination.resampling
    if resampling.folds.filter(state__in=UNDONE).exists():
        return
    lease = claim(combination, seconds=settings.LEASE_SECONDS)
    if lease is None:
        return
    folds = list(resampling.folds.all())
    with lease.kept():
        try:
            combining.refuse_bad_folds(folds)
            combining.refuse_same_weights(folds)
            found = combining.combined(resampling, folds)
        except combining.NoResult as why:
            with lease.settle() as this:
                fact = events.ResamplingErrored(version_id=str(resampling.version_id), ended=why.ended)
                lifecycle.give_up(combination, fact, within=this, error=str(why))
            return
        with lease.settle() as this:
            completed = events.ResamplingCompleted(
                version_id=str(resampling.version_id),
                method=resampling.method,
                dataset=resampling.dataset_version.digest,
                split=resampling.split_digest,
                parts=len(resampling.split["parts"]),
                results_digest=found["results_digest"],
            )
            lifecycle.complete(combination, completed, within=this, **found)
