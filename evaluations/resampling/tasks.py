"""The workers' edge: fetch, call, nothing else."""

from __future__ import annotations

from celery import shared_task

from evaluations.resampling import jobs
from evaluations.resampling.models import Combination, Fold
from ledger import leases


@shared_task(name="evaluations.measure_fold")
def measure_fold(fold_id: str) -> None:
    """Measure one fold; a second delivery of the same message finds the lease taken and leaves."""
    rows = Fold.objects.select_related("resampling__version__model", "resampling__dataset_version")
    jobs.measure(rows.get(pk=fold_id))


@shared_task(name="evaluations.combine_folds")
def combine_folds(combination_id: str) -> None:
    """Combine a set, if none of its folds is still to come."""
    rows = Combination.objects.select_related("resampling__version", "resampling__dataset_version")
    jobs.combine(rows.get(pk=combination_id))


@shared_task(name="evaluations.sweep_folds")
def sweep_folds() -> None:
    """Return what a silent worker held to the queue, and ring again for each set of which nothing is being done."""
    leases.sweep(Fold)
    leases.sweep(Combination)
    busy = Fold.objects.filter(state=Fold.State.RUNNING).values("resampling")
    for combination in leases.waiting(Combination).exclude(resampling__in=busy):
        jobs.send_next(combination.resampling_id)
