"""Models that a training logged, as MLflow 3 knows them: a name, a folder of files, figures. Nothing of them is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.clock import now
from core.ids import uuid7
from tracking.models.experiment import Experiment
from tracking.models.run import TrainingRun

if TYPE_CHECKING:
    from accounts.models import Person


class LoggedModelQuerySet(models.QuerySet["LoggedModel"]):
    def visible_to(self, person: Person) -> LoggedModelQuerySet:
        """Logged models of the teams whose content the person may see."""
        return self.filter(team__in=teams_visible_to(person))

    def shown(self) -> LoggedModelQuerySet:
        return self.filter(hidden_at=None)


class LoggedModel(models.Model):
    """What a client reports of one model that a run made; a registered version takes its files over by digest."""

    ledger_label = "logged_model"

    class Upload(models.TextChoices):
        """What the client says of its files."""

        PENDING = "pending", _("Being sent")
        READY = "ready", _("Complete")
        FAILED = "failed", _("Given up")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="logged_models")
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="logged_models")
    run = models.ForeignKey(TrainingRun, null=True, blank=True, on_delete=models.PROTECT, related_name="logged_models")
    name = models.CharField(_("name"), max_length=250)
    kind = models.CharField(max_length=250, blank=True)  # MLflow's model_type, in the client's words
    upload = models.CharField(max_length=10, choices=Upload.choices, default=Upload.PENDING)
    params = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=dict, blank=True)  # {name: text}
    metrics = models.JSONField(default=list, blank=True)  # [{key, value, timestamp, step, run_id, dataset_name, dataset_digest}]
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reporters = models.JSONField(default=list, blank=True)  # pseudonyms, as a run has them
    created_at = models.DateTimeField(default=now, editable=False)
    changed_at = models.DateTimeField(default=now)
    hidden_at = models.DateTimeField(null=True, blank=True)

    objects = LoggedModelQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["experiment", "-id"], name="logged_models_of_an_experiment")]

    def __str__(self) -> str:
        return self.name


class LoggedModelFile(models.Model):
    """A file of a logged model under its path; the bytes are a blob."""

    model = models.ForeignKey(LoggedModel, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=500)
    digest = models.CharField(max_length=71)
    size = models.BigIntegerField()  # bytes

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["model", "path"], name="one_file_of_a_path_in_a_logged_model")]

    def __str__(self) -> str:
        return self.path


class LoggedModelUse(models.Model):
    """A run made a logged model at a step, or began with it."""

    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="model_uses")
    model = models.ForeignKey(LoggedModel, on_delete=models.PROTECT, related_name="uses")
    made = models.BooleanField()  # False: the run began with it
    step = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["step", "pk"]
        constraints = [models.UniqueConstraint(fields=["run", "model", "made"], name="a_run_names_a_logged_model_once_for_a_use")]

    def __str__(self) -> str:
        return f"{self.model} ({self.step})"
