"""A set of checkpoints trained on parts of the same data, the measurement of each, and what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.ids import uuid7
from ledger.leases import LeasedJob

if TYPE_CHECKING:
    from accounts.models import Person

WHOLE = 0  # the number of the "fold" that is the version itself, measured on the rows that it was trained on


class ResamplingQuerySet(models.QuerySet["Resampling"]):
    def visible_to(self, person: Person) -> ResamplingQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))

    def with_parts(self) -> ResamplingQuerySet:
        """With all that its page shows, in a constant number of queries."""
        return self.select_related(
            "version__model__team", "dataset_version__dataset", "created_by", "combination"
        ).prefetch_related("folds", "checkpoints")


class Resampling(models.Model):
    """The set: which split of which training data, for which version. Once submitted, nothing of it changes."""

    class Method(models.TextChoices):
        KFOLD = "kfold", _("k-fold cross-validation")
        BOOTSTRAP = "bootstrap", _("bootstrap of refits")

    ledger_label = "resampling"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="resamplings")
    dataset_version = models.ForeignKey("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="resamplings")
    method = models.CharField(max_length=12, choices=Method.choices)
    split_digest = models.CharField(max_length=71)  # of the file that `countersign split` wrote; it lists the rows
    split = models.JSONField()  # that file without the rows: {"seed", "rows", "stratify", "group", "parts": [{"name", …}]}
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)

    objects = ResamplingQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(method__in=["kfold", "bootstrap"]), name="resampling_method_is_known")
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} of {self.version}"

    @property
    def standing(self) -> str:
        """draft until it is submitted, then the state of its combination."""
        combination = getattr(self, "combination", None)
        return combination.state if combination else "draft"


class FoldCheckpoint(models.Model):
    """The bytes that were handed in for one part of the split; others may take their place until the set is submitted."""

    resampling = models.ForeignKey(Resampling, on_delete=models.PROTECT, related_name="checkpoints")
    number = models.PositiveIntegerField()  # from 1, as the parts stand in the split
    digest = models.CharField(max_length=71)
    size = models.BigIntegerField()  # bytes
    name = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["resampling", "number"], name="a_part_of_a_split_has_one_checkpoint"),
        ]

    def __str__(self) -> str:
        return f"checkpoint {self.number} of {self.resampling}"


class Fold(LeasedJob):
    """One checkpoint measured in the sandbox on exactly the rows that it was not trained on (number 0: on those that it was)."""

    ledger_label = "resampling_fold"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    resampling = models.ForeignKey(Resampling, on_delete=models.PROTECT, related_name="folds")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    checkpoint_digest = models.CharField(max_length=71)
    rows = models.BigIntegerField()  # that it is measured on
    metrics = models.JSONField(default=list)  # as the sandboxed child gave them: {"name", "label", "value", "low", …}
    facts = models.JSONField(default=dict)  # {"format", "weights", "row_losses", "versions", "seconds", "recipe"}
    sandbox = models.JSONField(default=dict)  # the evidence that the sandbox gives of itself

    class Meta(LeasedJob.Meta):
        ordering = ["number"]
        constraints = [
            *LeasedJob.Meta.constraints,
            models.UniqueConstraint(fields=["resampling", "number"], name="a_part_of_a_split_is_measured_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.resampling}"


class Combination(LeasedJob):
    """All folds of a set as one number for each measure. It waits until each is measured; one bad fold makes it errored."""

    ledger_label = "resampling_combination"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    resampling = models.OneToOneField(Resampling, on_delete=models.PROTECT, related_name="combination")
    metrics = models.JSONField(
        default=list
    )  # {"check", "name", "label", "value", "low", "high", "confidence", "method", "n", "unit"}
    charts = models.JSONField(default=list)  # {"name", "title", "description", "light", "dark", "table"}
    facts = models.JSONField(default=dict)  # {"left_out": [...]}
    results_digest = models.CharField(max_length=71, blank=True)  # over metrics, split, data and checkpoints

    def __str__(self) -> str:
        return f"combination of {self.resampling}"
