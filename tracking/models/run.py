"""A training run: open while it is reported, fixed once a version stands on it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.clock import now
from core.ids import uuid7
from ledger.protection import protect

if TYPE_CHECKING:
    from accounts.models import Person

SILENCE = timedelta(minutes=5)  # a client is heard every half minute; a run that is silent for longer has probably died


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def visible_to(self, person: Person) -> TrainingRunQuerySet:
        """Runs of the teams whose content the person may see."""
        return self.filter(team__in=teams_visible_to(person))

    def shown(self) -> TrainingRunQuerySet:
        return self.filter(hidden_at=None)

    def with_parts(self) -> TrainingRunQuerySet:
        """With what every list and page shows, so that a list costs a constant number of queries."""
        return self.select_related("team", "experiment", "created_by", "parent")


class TrainingRun(models.Model):
    """What a client reports of one training. It may be logged to, even after its end, until it is fixed: when a version that
    names it is submitted, or at once where it was recorded whole. From then on database triggers refuse every change."""

    ledger_label = "training_run"

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        KILLED = "killed", _("Stopped by hand")

    class Origin(models.TextChoices):
        API = "api", _("Recorded whole")
        SDK = "sdk", _("Sent while it ran")
        MLFLOW = "mlflow", _("MLflow client")
        IMPORT = "import", _("Imported")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="training_runs")
    experiment = models.ForeignKey("tracking.Experiment", on_delete=models.PROTECT, related_name="runs")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name = models.CharField(_("name"), max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.API)
    source = models.CharField(max_length=250, blank=True)  # what it is called where it came from; known once in a team
    params = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=dict, blank=True)  # {name: text}
    code = models.JSONField(default=dict, blank=True)  # tracking.facts.CODE
    environment = models.JSONField(default=dict, blank=True)  # tracking.facts.ENVIRONMENT
    training = models.JSONField(default=dict, blank=True)  # tracking.facts.TRAINING
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    heard = models.JSONField(default=dict, blank=True)  # {writer: number of its last batch}: a batch counts once
    reporters = models.JSONField(
        default=list, blank=True
    )  # pseudonyms of those who reported to it: none of them signs its version
    fixed_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["team", "origin", "source"], condition=~Q(source=""), name="a_run_comes_from_one_source_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["running", "finished", "failed", "killed"]), name="training_run_state_is_known"
            ),
        ]
        indexes = [models.Index(fields=["experiment", "-id"], name="runs_of_an_experiment")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tracking:run", kwargs={"pk": self.pk})

    @property
    def is_silent(self) -> bool:
        """Whether it never said that it ended, and was last heard longer ago than a living client lets pass."""
        return self.state == self.State.RUNNING and (self.heard_at or self.created_at) < now() - SILENCE


protect(TrainingRun, when="OLD.fixed_at IS NOT NULL")
