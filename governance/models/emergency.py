"""A release before the signatures are complete: who took it upon themselves, and how long it may last."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from accounts.models import Role
from core.ids import uuid7
from governance.models.environment import EnvironmentField
from governance.models.review import Review


class EmergencyApproval(models.Model):
    """It stands in for missing signatures, once for a version in an environment. The database refuses any change."""

    ledger_label = "emergency"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="emergencies")
    environment = EnvironmentField()
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="emergencies")  # that goes on afterwards
    person = models.UUIDField()  # pseudonym
    role = models.CharField(max_length=32, choices=Role.choices)
    digest = models.CharField(max_length=71)  # of what stood pinned at that moment
    given_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    review_due_at = models.DateTimeField()
    event = models.UUIDField()
    envelope = models.JSONField()

    class Meta:
        ordering = ["-given_at"]
        constraints = [
            models.UniqueConstraint(fields=["version", "environment"], name="one_emergency_of_a_version_in_an_environment")
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.given_at:%Y-%m-%d})"

    @property
    def ends_at(self) -> datetime:
        """When it counts no more, whatever people do: its validity ends, or its review was not decided in time."""
        return min(self.valid_until, self.review_due_at)
