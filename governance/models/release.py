"""Which version is live where, and what the gate last said."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.ids import uuid7
from governance.models.environment import Environment, EnvironmentField, label_of
from ledger.actors import ENVELOPE, System

if TYPE_CHECKING:
    from accounts.models import Person


class ReleaseQuerySet(models.QuerySet["Release"]):
    def visible_to(self, person: Person) -> ReleaseQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))

    def live(self) -> ReleaseQuerySet:
        return self.filter(state=Release.State.LIVE)

    def live_during(self, since: datetime, until: datetime) -> ReleaseQuerySet:
        """Those that were live at some moment from `since` to `until`; at one moment, one for each model and environment."""
        return self.filter(Q(ended_at=None) | Q(ended_at__gt=since), released_at__lte=until)

    def told(self) -> ReleaseQuerySet:
        """With everything that the history says of each."""
        return self.select_related("version__model__team", "released_by", "under", "review__policy", "emergency")


class Release(models.Model):
    """A version in an environment. One version of a model is live in an environment at a time."""

    ledger_label = "release"

    class State(models.TextChoices):
        LIVE = "live", _("Live")
        SUPERSEDED = "superseded", _("Superseded")
        ROLLED_BACK = "rolled_back", _("Rolled back")
        REVOKED = "revoked", _("Revoked")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="releases")
    model = models.ForeignKey("models_registry.RegisteredModel", on_delete=models.PROTECT, related_name="releases")
    environment = EnvironmentField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.LIVE)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="releases_made"
    )  # None: nobody at that moment; `under` says on whose standing word
    under = models.ForeignKey("governance.EnvelopeDecision", null=True, on_delete=models.PROTECT, related_name="releases")
    released_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)
    mode = models.CharField(max_length=8, choices=Environment.Mode.choices, default=Environment.Mode.PREVENT)  # at that moment
    review = models.ForeignKey("governance.Review", on_delete=models.PROTECT, null=True, related_name="releases")  # that approved
    approval = models.CharField(max_length=71, blank=True)  # digest of what the signatures stood for; empty: no approval held
    ended_why = models.CharField(max_length=64, blank=True)  # of a revoked one: what took the approval back
    emergency = models.ForeignKey("governance.EmergencyApproval", on_delete=models.PROTECT, null=True, related_name="releases")
    against = models.JSONField(default=list)  # what stood against it, where the environment only warned

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-released_at"]
        indexes = [models.Index(fields=["environment", "released_at"], name="release_at_a_moment")]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "environment"], condition=Q(state="live"), name="one_live_release_in_an_environment"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["live", "superseded", "rolled_back", "revoked"]), name="release_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} → {label_of(self.environment)}"

    @property
    def releaser(self) -> Person | System:
        """Who released it: a person, or Countersign under a change envelope."""
        return self.released_by or ENVELOPE

    @property
    def ended_why_words(self) -> str:
        return self.ended_why.replace("_", " ")


class GateRecord(models.Model):
    """What the gate last answered for a version in an environment, so that an answer is an event when it changes."""

    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="gate_records")
    environment = EnvironmentField()
    allowed = models.BooleanField()
    reasons = models.JSONField(default=list)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "environment"], name="one_gate_record_in_an_environment")]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment}: {self.allowed}"
