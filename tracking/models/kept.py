"""What a run left behind and what it was given: artifacts and data, as reported."""

from __future__ import annotations

from django.db import models

from core.clock import now
from core.ids import uuid7
from ledger.protection import protect_parts
from tracking.models.run import TrainingRun


class Artifact(models.Model):
    """A file of a run under its path; the bytes are a blob. It is kept and given back, never opened."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="artifacts")
    path = models.CharField(max_length=500)  # relative, with "/", without "..": tracking.facts.require_path
    digest = models.CharField(max_length=71)
    size = models.BigIntegerField()  # bytes
    kept_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="one_artifact_of_a_path_in_a_run")]

    def __str__(self) -> str:
        return self.path


class RunData(models.Model):
    """Data that a run says it used; `dataset_version` where its digest is registered here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="data")
    context = models.CharField(max_length=100, blank=True)  # what it was for, in the client's words: training, validation …
    name = models.CharField(max_length=500)
    digest = models.CharField(max_length=100, blank=True)  # in the client's form: sha256:…, an md5 of DVC, a short hash of MLflow
    source_type = models.CharField(max_length=100, blank=True)
    source = models.TextField(blank=True)
    schema = models.TextField(blank=True)
    profile = models.TextField(blank=True)
    dataset_version = models.ForeignKey(
        "data_registry.DatasetVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="run_uses"
    )

    class Meta:
        ordering = ["context", "name"]
        constraints = [
            models.UniqueConstraint(fields=["run", "context", "name", "digest"], name="a_run_names_its_data_once_for_a_use")
        ]

    def __str__(self) -> str:
        return self.name


protect_parts(Artifact, of=TrainingRun, by="run_id", when="whole.fixed_at IS NOT NULL")
protect_parts(RunData, of=TrainingRun, by="run_id", when="whole.fixed_at IS NOT NULL")
