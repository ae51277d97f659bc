"""What production reports back: batches of predictions as mergeable sums, and the alerts that checks of them raise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from accounts.visibility import teams_visible_to
from core.ids import uuid7
from governance.models import EnvironmentField

if TYPE_CHECKING:
    from accounts.models import Person


class BatchQuerySet(models.QuerySet["ObservationBatch"]):
    def visible_to(self, person: Person) -> BatchQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))


class ObservationBatch(models.Model):
    """The predicted probabilities of one batch as sufficient statistics; single predictions are not kept."""

    ledger_label = "observations"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="observations")
    environment = EnvironmentField()
    received_at = models.DateTimeField(db_index=True)
    n = models.PositiveIntegerField()  # rows
    sums = ArrayField(models.FloatField())  # [classes] sum of probabilities
    sums_of_squares = ArrayField(models.FloatField())  # [classes]
    predicted = ArrayField(models.PositiveIntegerField())  # [classes] rows whose largest probability is this class
    digest = models.CharField(max_length=71)
    checked_at = models.DateTimeField(null=True, db_index=True)
    outcome = models.JSONField(default=dict)  # what the check of this batch said: rules, sentence

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]

    def __str__(self) -> str:
        return f"{self.n} rows of {self.version}"


class CheckChart(models.Model):
    """The checks of a version over time as a drawing with its table: derived from the batches, drawn anew after each check."""

    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="check_charts")
    environment = EnvironmentField()
    title = models.CharField(max_length=200)
    description = models.TextField()
    light_digest = models.CharField(max_length=71)
    dark_digest = models.CharField(max_length=71)
    table = models.JSONField()  # {"columns": [...], "rows": [[...]]}
    drawn_until = models.DateTimeField()  # the moment of the last check in it

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "environment"], name="one_chart_of_checks_in_an_environment")]

    def __str__(self) -> str:
        return f"{self.title}: {self.version}"


class AlertQuerySet(models.QuerySet["Alert"]):
    def visible_to(self, person: Person) -> AlertQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))

    def answerable_by(self, person: Person) -> AlertQuerySet:
        """Alerts that the person answers for: the list form of `can_answer`."""
        held = Membership.objects.filter(person=person, person__is_active=True, role=Role.RISK_MANAGER)
        mine = held.filter(Q(team=None) | Q(team=OuterRef("version__model__team")))
        return self.visible_to(person).filter(Exists(mine))


class Alert(models.Model):
    """Something that was seen in production and asks for a person."""

    ledger_label = "alert"

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACKNOWLEDGED = "acknowledged", _("Acknowledged")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="alerts")
    environment = EnvironmentField()
    rule = models.CharField(max_length=64)
    sentence = models.TextField()
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=14, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=["open", "acknowledged", "closed"]), name="alert_state_is_known"),
            models.UniqueConstraint(
                fields=["version", "environment", "rule"], condition=Q(state="open"), name="one_open_alert_of_a_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.version}"
