"""Work for the queue. The row is the truth and the message a doorbell, so a lost message costs a sweep and no result."""

from __future__ import annotations

from celery import current_app
from django.db import transaction

from data_registry.models import Profile


def ring_for_profile(profile: Profile) -> None:
    """A worker hears of the profile once the present transaction is committed."""

    def ring() -> None:  # a function: Django logs the failure of a robust callback by its name, which a partial has not
        current_app.send_task("data_registry.profile", [str(profile.pk)])

    transaction.on_commit(ring, robust=True)  # what was committed stands without a broker; the sweep rings again
