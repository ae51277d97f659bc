"""The curves of a run: a row of figures for each, and its points in chunks."""

from __future__ import annotations

from django.db import models

from core.ids import uuid7
from ledger.protection import protect_parts
from tracking.models.run import TrainingRun
from tracking.points import Points


class MetricSeries(models.Model):
    """One curve of a run in figures. "Last" is the value of the greatest step (of equal ones the latest), as in MLflow."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="series")
    name = models.CharField(max_length=250)
    unit = models.CharField(max_length=40, blank=True)
    count = models.PositiveIntegerField(default=0)
    not_finite = models.PositiveIntegerField(default=0)  # how many of them are NaN or infinite
    last_step = models.BigIntegerField(default=0)
    last_value = models.FloatField(default=0)  # NaN where the last one is not a number
    last_at = models.BigIntegerField(default=0)  # milliseconds since 1970; 0: not said
    lowest_step = models.BigIntegerField(null=True)  # of the finite values; None where there is none
    lowest_value = models.FloatField(null=True)
    highest_step = models.BigIntegerField(null=True)
    highest_value = models.FloatField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="one_series_of_a_name_in_a_run")]
        indexes = [models.Index(fields=["name", "last_value"], name="runs_are_found_by_metric")]

    def __str__(self) -> str:
        return self.name

    def points(self) -> Points:
        """All its points, in the order in which they were reported."""
        return Points.joined([chunk.points() for chunk in sorted(self.chunks.all(), key=lambda chunk: chunk.place)])


class MetricChunk(models.Model):
    """Some consecutive points of a curve, packed: a row for each point would cost a hundred times the space and the time."""

    series = models.ForeignKey(MetricSeries, on_delete=models.PROTECT, related_name="chunks")
    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="chunks")
    place = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    steps = models.BinaryField()
    values = models.BinaryField()
    times = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "place"], name="chunks_have_different_places_in_a_series")]

    def points(self) -> Points:
        return Points.unpacked(bytes(self.steps), bytes(self.values), bytes(self.times))


protect_parts(MetricSeries, of=TrainingRun, by="run_id", when="whole.fixed_at IS NOT NULL")
protect_parts(MetricChunk, of=TrainingRun, by="run_id", when="whole.fixed_at IS NOT NULL")
