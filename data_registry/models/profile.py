"""What a worker read from the content of a registered version: a job with a lease, then its result."""

from __future__ import annotations

from django.db import models

from core.ids import uuid7
from ledger.leases import LeasedJob


class Profile(LeasedJob):
    ledger_label = "profile"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset_version = models.OneToOneField("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="profile")
    facts = models.JSONField(default=dict, blank=True)  # {format, rows, columns: [{name, dtype, nulls, ...}], checked: [...]}
    not_checked = models.JSONField(default=list, blank=True)  # what the scan left out: {"code", ...}; words: coverage.py
    sandbox = models.JSONField(default=dict, blank=True)  # evidence of the sandbox that read the content

    def __str__(self) -> str:
        return f"profile of {self.dataset_version}"
