"""Asking for measurements, calling them off, and reading their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from core import clock
from core.canonical import sha256_of
from core.errors import WrongState
from core.logs import request_id
from core.registry import Registry
from evaluations import events, jobs, lifecycle
from evaluations.models import EvaluationRun, Suite
from evaluations.permissions import can_cancel, can_repeat
from evaluations.suites import TOLERANCE
from evaluations.verdicts import Verdict, judge
from ledger.acts import Act, act
from models_registry.models import Version

if TYPE_CHECKING:
    from accounts.models import Person
    from data_registry.models import DatasetVersion

# Each is called in the act that calls off a version's runs: what is measured of it elsewhere ends with them.
called_off_too: Registry[Callable[..., None]] = Registry("what is called off with the runs of a version")


def ask_for_run(
    version: Version,
    *,
    dataset_version: DatasetVersion,
    suite: Suite,
    thresholds: Sequence[dict[str, Any]],
    policy_ref: dict[str, Any],
    needed_level: str,
    within: Act,
    asked_by: Person | None = None,
    tolerance: float = TOLERANCE,
    repeats: EvaluationRun | None = None,
) -> EvaluationRun:
    """A run stands in the queue with its thresholds fixed; the message is sent when the act is committed.

    `needed_level` is the sandbox's level below which the run errors instead of giving a number: L1, L2 or L3. In the queue it
    takes a turn of `asked_by`, or of who submitted the version. As a repeat it stands beside the run that it `repeats`.
    """
    run = EvaluationRun.objects.create(
        version=version,
        suite=suite,
        dataset_version=dataset_version,
        thresholds=list(thresholds),
        policy_ref=policy_ref,
        checkpoint_digest=version.checkpoint_digest,
        dataset_digest=dataset_version.digest,
        limits=jobs.limits_in_force(),
        needed_level=needed_level,
        queued_at=clock.now(),
        asked_by=asked_by or version.submitted_by,
        tolerance=tolerance,
        repeats=repeats,
        request_id=request_id.get(),
    )
    within.record(
        events.EvaluationQueued(
            version_id=str(version.pk),
            checkpoint=run.checkpoint_digest,
            dataset=run.dataset_digest,
            suite=f"{suite}:{suite.digest}",
            thresholds_digest=sha256_of(run.thresholds),
            policy=str(policy_ref.get("digest", "")),
        ),
        on=run,
    )
    transaction.on_commit(lambda: jobs.send(run), robust=True)  # without a broker the sweep rings later
    return run


def repeat_run(run: EvaluationRun, *, by: Person) -> EvaluationRun:
    """The same measurement stands in the queue once more: the same bytes, suite and thresholds. A completed run keeps counting,
    and the repeat is laid beside it; a run that was not finished is replaced."""
    with act(by, attempt="repeat_evaluation", on=run) as this:
        Version.objects.select_for_update().get(pk=run.version_id)  # two who ask at once, through different runs, ask in turn
        run = (
            EvaluationRun.objects.select_for_update(of=("self",))
            .select_related("version__model__team", "version__submitted_by", "suite", "dataset_version__dataset", "repeats")
            .get(pk=run.pk)
        )
        can_repeat(by, run).enforce()
        _must_be_over(run)
        completed = run.state == EvaluationRun.State.COMPLETED
        again = ask_for_run(
            run.version,
            dataset_version=run.dataset_version,
            suite=run.suite,
            thresholds=run.thresholds,
            policy_ref=run.policy_ref,
            needed_level=run.needed_level,
            within=this,
            asked_by=by,
            tolerance=run.tolerance,
            repeats=run.repeats or (run if completed else None),  # a repeat of a repeat is laid beside the first, too
        )
        fact = events.EvaluationRepeatAsked(
            version_id=str(run.version_id), again=str(again.pk), results_digest=run.results_digest
        )
        this.record(fact, on=run)
    return again


def _must_be_over(run: EvaluationRun) -> None:
    waiting = {EvaluationRun.State.QUEUED, EvaluationRun.State.RUNNING}
    if run.state in waiting:
        raise WrongState(_("This measurement is not over yet; wait for it, or call it off."), code="not_over")
    if run.version.state in {Version.State.WITHDRAWN, Version.State.DRAFT}:
        raise WrongState(_("%(version)s was taken back, so it is not measured.") % {"version": run.version}, code="withdrawn")
    beside = EvaluationRun.objects.filter(
        version=run.version_id, suite=run.suite_id, dataset_version=run.dataset_version_id, state__in=waiting
    )
    if beside.exists():
        raise WrongState(_("The same measurement already waits or runs; wait for it."), code="already_asked")
    if run.repeats_id is None and run.state != EvaluationRun.State.COMPLETED:
        _must_not_be_measured(run)


def _must_not_be_measured(run: EvaluationRun) -> None:
    """What was called off or failed is replaced once: whoever could replace a result would ask until they like the numbers."""
    measured = EvaluationRun.objects.counting().filter(
        version=run.version_id,
        dataset_version=run.dataset_version_id,
        policy_ref__id=run.policy_ref.get("id"),
        state=EvaluationRun.State.COMPLETED,
    )
    if measured.exists():
        raise WrongState(
            _("This was measured since, and that result counts. A validator may repeat the run that was completed."),
            code="already_measured",
        )


def cancel_run(run: EvaluationRun, *, by: Person) -> EvaluationRun:
    """The run is called off. While it runs, its worker notices within seconds and kills everything that it started."""
    with act(by, attempt="cancel_evaluation", on=run) as this:
        run = EvaluationRun.objects.select_for_update(of=("self",)).select_related("version__model__team").get(pk=run.pk)
        can_cancel(by, run).enforce()
        lifecycle.cancel(run, within=this)
        for follow in jobs.settled:
            follow(run, within=this)
    return run


def cancel_runs_of(version: Version, *, within: Act) -> None:
    """Runs that have not ended are called off, and what else is measured of the version."""
    for cancel in called_off_too:
        cancel(version, within=within)
    waiting = EvaluationRun.objects.select_for_update().filter(version=version, state__in=["queued", "running"])
    for run in waiting:
        lifecycle.cancel(run, within=within)


def verdict_of(run: EvaluationRun) -> Verdict:
    """The verdict of the run's numbers under the thresholds that were fixed before it ran; computed, never stored. What was
    not measured says why: a check for itself, a run that could not be finished for all of them."""
    if run.state != EvaluationRun.State.COMPLETED:
        return judge([], run.thresholds, not_run={"": run.error})
    reasons = {str(gap.get("check")): str(gap.get("reason", "")) for gap in run.facts.get("not_run", []) if gap.get("check")}
    return judge(list(run.metrics.all()), run.thresholds, not_run=reasons)
