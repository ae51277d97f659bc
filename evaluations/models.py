"""Suites of checks, the runs that measured them, and the numbers and charts that came out. Evaluations know no policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.ids import uuid7
from evaluations import wording
from ledger.leases import LeasedJob

if TYPE_CHECKING:
    from accounts.models import Person


class Suite(models.Model):
    """A named, numbered set of checks with their parameters; a number's content never changes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    checks = models.JSONField()  # [{"name": "performance", ...parameters}]
    digest = models.CharField(max_length=71)

    class Meta:
        ordering = ["name", "-number"]
        constraints = [models.UniqueConstraint(fields=["name", "number"], name="suite_numbers_are_unique_in_a_name")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class RunQuerySet(models.QuerySet["EvaluationRun"]):
    def visible_to(self, person: Person) -> RunQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))

    def counting(self) -> RunQuerySet:
        """Without repeats, which stand beside the run that counts."""
        return self.filter(repeats=None)

    def with_numbers(self) -> RunQuerySet:
        """With all that a verdict is computed from and a sentence names, in a constant number of queries."""
        rows = self.select_related("version__model", "suite", "dataset_version__dataset", "asked_by", "repeats")
        return rows.prefetch_related("metrics")

    def with_results(self) -> RunQuerySet:
        """With what a page shows beside them, too."""
        return self.with_numbers().prefetch_related("charts")


class EvaluationRun(LeasedJob):
    """One measurement of one version's bytes on one dataset version, with the thresholds that were fixed before it ran."""

    ledger_label = "evaluation"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="evaluations")
    suite = models.ForeignKey(Suite, on_delete=models.PROTECT, related_name="runs")
    dataset_version = models.ForeignKey("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="evaluations")
    thresholds = models.JSONField()  # frozen values; see evaluations.verdicts
    policy_ref = models.JSONField(default=dict)  # {"id", "name", "number", "digest"} of what fixed them; opaque here
    checkpoint_digest = models.CharField(max_length=71)
    dataset_digest = models.CharField(max_length=71)
    limits = models.JSONField(default=dict)  # {"wall": s, "cpu": s, "memory": bytes}
    needed_level = models.CharField(max_length=2, default="L2")  # below it the run errors instead of giving a number
    sandbox = models.JSONField(default=dict)  # the evidence that the sandbox gives of itself
    reference = models.JSONField(default=dict)  # {"n", "mean", "variance", "class_counts"} of the predicted probabilities
    facts = models.JSONField(default=dict)  # rows, versions of what measured, resources
    results_digest = models.CharField(max_length=71, blank=True)  # over metrics, reference and the bytes measured
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="evaluations_asked"
    )  # whose turn in the queue it takes
    repeats = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="repeated_by")  # stands beside that one
    tolerance = models.FloatField(default=0.001)  # by how much the numbers of a repeat may differ; see evaluations.repeats
    progress = models.JSONField(default=dict)  # {"stage", "done", "total", "rate", "left", "at"}: a heartbeat, no fact
    inputs = models.JSONField(default=dict)  # {"training": {"digest", "what"} or {"missing": a sentence}, "production": …}
    recipe = models.JSONField(default=dict)  # seed, threads, batch, device, code: with the digests, all that a repeat needs
    predictions_digest = models.CharField(max_length=71, blank=True)
    predictions_size = models.BigIntegerField(default=0)  # bytes
    request_id = models.CharField(max_length=64, blank=True)  # of the request that asked for it, for logs and events

    objects = RunQuerySet.as_manager()

    class Meta(LeasedJob.Meta):
        ordering = ["-queued_at"]
        indexes = [
            models.Index(fields=["asked_by", "-started_at"], name="evaluation_by_asker"),
            models.Index(fields=["dataset_digest"], name="evaluation_by_data"),
        ]

    def __str__(self) -> str:
        return f"{self.suite} of {self.version}"


class Metric(models.Model):
    """One measured number with its interval and sample size. Rows of a completed run are never changed."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.PROTECT, related_name="metrics")
    check_name = models.CharField(max_length=64)
    name = models.CharField(max_length=64)
    label = models.CharField(max_length=100, blank=True)  # class, slice; empty for the whole
    value = models.FloatField()
    low = models.FloatField(null=True)  # bounds of the interval; null where nothing was estimated (a count)
    high = models.FloatField(null=True)
    confidence = models.FloatField(null=True)  # such as 0.95
    method = models.CharField(max_length=64, blank=True)
    n = models.BigIntegerField()  # rows behind the number
    unit = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["run", "check_name", "name", "label"], name="a_number_is_recorded_once_in_a_run")
        ]

    def __str__(self) -> str:
        return wording.name_of(self.name, self.label)

    @property
    def title(self) -> str:
        """The measure's name as people write it: "Matthews correlation", "Top-3 accuracy"."""
        return wording.name_of(self.name, self.label if self.name == "top_k_accuracy" else "")


class Chart(models.Model):
    """A chart of a run, rendered once by a worker and kept beside the numbers that it shows."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.PROTECT, related_name="charts")
    name = models.CharField(max_length=64)
    check_name = models.CharField(max_length=64, blank=True)  # the check that drew it; empty in runs of old
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField()  # the picture in a sentence, for those who do not see it
    light_digest = models.CharField(max_length=71)
    dark_digest = models.CharField(max_length=71)
    table = models.JSONField()  # {"columns": [...], "rows": [[...]]}

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="a_chart_is_kept_once_in_a_run")]

    def __str__(self) -> str:
        return self.title
