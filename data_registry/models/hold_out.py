"""A dataset version that is kept apart to test on: nobody trains, tunes or stops on it, and each measurement on it is counted."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from core.clock import now
from core.ids import uuid7


class HoldOut(models.Model):
    """Added by a validator, never changed or removed: what was measured on it keeps its meaning."""

    ledger_label = "hold_out"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset_version = models.OneToOneField("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="hold_out")
    registered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    registered_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return f"hold-out {self.dataset_version}"
