"""The workers' edge: fetch, call, nothing else."""

from __future__ import annotations

from celery import shared_task

from ledger import leases
from models_registry import jobs
from models_registry.models import Inspection


@shared_task(name="models_registry.inspect")
def inspect(inspection_id: str) -> None:
    """Inspect one checkpoint; a second delivery of the same message finds the lease taken and leaves."""
    jobs.inspect(Inspection.objects.select_related("version__model").get(pk=inspection_id))


@shared_task(name="models_registry.sweep")
def sweep() -> None:
    """Return inspections whose worker fell silent to the queue, and ring again for those that wait."""
    leases.sweep(Inspection)
    for inspection in leases.waiting(Inspection):
        jobs.send(inspection)
