"""That a person answers for an electronic signature as for one by hand (21 CFR 11.10(j), 11.100(c))."""

from __future__ import annotations

from django.db import models


class Accountability(models.Model):
    """One person accepted one version of the text, once. The database refuses any change."""

    person = models.UUIDField()  # pseudonym, as in the log
    text_version = models.PositiveSmallIntegerField()
    accepted_at = models.DateTimeField()
    event = models.UUIDField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "text_version"], name="accountability_accepted_once")]

    def __str__(self) -> str:
        return f"{self.text_version} ({self.accepted_at:%Y-%m-%d})"
