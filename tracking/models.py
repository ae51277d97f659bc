"""What was tried: training runs as they were reported by whoever ran them (claimed, not verified here)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.clock import now
from core.ids import uuid7
from ledger.protection import protect

if TYPE_CHECKING:
    from accounts.models import Person


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def visible_to(self, person: Person) -> TrainingRunQuerySet:
        """Runs of the teams whose content the person may see."""
        return self.filter(team__in=teams_visible_to(person))


class TrainingRun(models.Model):
    """Recorded once and never changed: a database trigger refuses updates and deletions."""

    ledger_label = "training_run"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="training_runs")
    name = models.CharField(_("name"), max_length=200)
    params = models.JSONField(default=dict, blank=True)
    code = models.JSONField(default=dict, blank=True)  # {repository, branch, commit, tree, dirty, patch_digest}
    environment = models.JSONField(default=dict, blank=True)  # {python, packages: [{name, version}]}
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = TrainingRunQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tracking:run", kwargs={"pk": self.pk})


class MetricSeries(models.Model):
    """One curve of a run: values over ascending steps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="series")
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=40, blank=True)
    steps = models.JSONField()
    values = models.JSONField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_series_of_a_name_in_a_run")]

    def __str__(self) -> str:
        return self.name


protect(TrainingRun)
protect(MetricSeries)
