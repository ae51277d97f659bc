"""The workers' edge: fetch, call, nothing else."""

from __future__ import annotations

from celery import shared_task

from core.logs import on_behalf_of
from evaluations import jobs
from evaluations.models import EvaluationRun
from ledger import leases

MOST_BELLS = 20  # that one sweep rings: every bell serves whoever's turn it is


@shared_task(name="evaluations.measure")
def measure(run_id: str) -> None:
    """Measure the run whose turn it is, which need not be the one that rang: fifty of one person do not stand before another's.
    A second delivery of the same message serves somebody else, or finds nothing to do."""
    while (run := jobs.next_run()) is not None:
        with on_behalf_of(run.request_id):
            if jobs.measure(run):
                return


@shared_task(name="evaluations.sweep")
def sweep() -> None:
    """Return runs whose worker fell silent to the queue, and ring again while any wait."""
    leases.sweep(EvaluationRun)
    for run in leases.waiting(EvaluationRun)[:MOST_BELLS]:
        jobs.send(run)
