"""What workers do with data: read what was registered, and look after profiles whose worker is gone."""

from __future__ import annotations

from contextlib import suppress

from celery import shared_task
from django.conf import settings

from core.errors import WrongState
from data_registry import services
from data_registry.models import Profile
from data_registry.scanning import read_content
from ledger import leases


@shared_task(name="data_registry.profile")
def profile(profile_id: str) -> None:
    """The profile is completed or errored, unless another worker has it or the lease was lost meanwhile."""
    job = Profile.objects.select_related("dataset_version__dataset").filter(pk=profile_id).first()
    lease = leases.claim(job, seconds=settings.LEASE_SECONDS) if job else None
    if job is None or lease is None:
        return  # delivered twice, or finished long ago
    with lease.kept():
        reading = read_content(job.dataset_version)
    with suppress(WrongState):  # another attempt took over while this one was silent: its result counts, not ours
        if reading.result is None:
            services.fail_profile(job, lease=lease, reason=reading.refused, sandbox=reading.evidence)
        else:
            services.complete_profile(job, lease=lease, result=reading.result, sandbox=reading.evidence)


@shared_task(name="data_registry.sweep")
def sweep() -> None:
    """What the clock does for profiles."""
    services.sweep_profiles()
