"""The shape of what is answered. A number that is not finite is written as a text, because JSON has none."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from rest_framework import serializers

from tracking.models import Artifact, Experiment, MetricSeries, RunData, TrainingRun


def number(value: float | None) -> float | str | None:
    """The value, or "NaN", "Infinity", "-Infinity"."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class Number(serializers.FloatField):
    """A number; not finite: the text NaN, Infinity or -Infinity."""

    def to_representation(self, value: float) -> float | str | None:  # type: ignore[override]  # wider on purpose
        return number(value)


class ExperimentOutput(serializers.ModelSerializer):
    tags = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = Experiment
        fields: ClassVar[list[str]] = ["id", "team", "name", "tags", "created_by", "created_at", "hidden_at"]


class SeriesOutput(serializers.ModelSerializer):
    """A curve in figures: "last" is the value of the greatest step; lowest and highest are of the finite values."""

    last_value = Number()

    class Meta:
        model = MetricSeries
        fields: ClassVar[list[str]] = [
            *("name", "unit", "count", "not_finite", "last_step", "last_value", "last_at"),
            *("lowest_step", "lowest_value", "highest_step", "highest_value"),
        ]


class RunDataOutput(serializers.ModelSerializer):
    class Meta:
        model = RunData
        fields: ClassVar[list[str]] = ["context", "name", "digest", "source_type", "source", "dataset_version"]


class ArtifactOutput(serializers.ModelSerializer):
    class Meta:
        model = Artifact
        fields: ClassVar[list[str]] = ["path", "digest", "size", "kept_at"]


class RunOutput(serializers.ModelSerializer):
    experiment = serializers.CharField(source="experiment.name")
    experiment_id = serializers.UUIDField()
    params = serializers.DictField()
    tags = serializers.DictField(child=serializers.CharField())
    code = serializers.DictField(
        help_text="repository, remote, branch, commit, tree, dirty, patch_digest, entry, untracked; empty: not reported"
    )
    environment = serializers.DictField(
        help_text="python, platform, accelerator, lock_digest, packages, locks, hardware, host_kind, user; empty: not reported"
    )
    training = serializers.DictField(help_text="early_stopping, schedule, seeds, summary, libraries; empty: not reported")

    class Meta:
        model = TrainingRun
        fields: ClassVar[list[str]] = [
            *("id", "team", "experiment", "experiment_id", "parent", "name", "state", "origin", "source"),
            *("params", "tags", "code", "environment", "training"),
            *("started_at", "heard_at", "ended_at", "fixed_at", "hidden_at", "created_by", "created_at"),
        ]


class FiguresOutput(serializers.Serializer):
    """A metric of a run in a list: its value at the greatest step, and its finite extremes."""

    last = Number(source="last_value")
    step = serializers.IntegerField(source="last_step")
    lowest = Number(source="lowest_value", allow_null=True)
    highest = Number(source="highest_value", allow_null=True)


class Figures(serializers.DictField):
    """The metrics of a run by name."""

    child = FiguresOutput()

    def get_attribute(self, instance: TrainingRun) -> dict[str, MetricSeries]:
        return {one.name: one for one in instance.series.all()}


class RunListed(RunOutput):
    metrics = Figures(help_text="By name.", read_only=True)

    class Meta(RunOutput.Meta):
        fields: ClassVar[list[str]] = [*RunOutput.Meta.fields, "metrics"]


class RunDetail(RunOutput):
    series = SeriesOutput(many=True)
    data = RunDataOutput(many=True)  # type: ignore[assignment]  # a field of this name

    class Meta(RunOutput.Meta):
        fields: ClassVar[list[str]] = [*RunOutput.Meta.fields, "series", "data"]


class CurveOutput(serializers.Serializer):
    """The points of a curve by step."""

    name = serializers.CharField()
    unit = serializers.CharField()
    count = serializers.IntegerField(help_text="Points there are; fewer may be listed.")
    steps = serializers.ListField(child=serializers.IntegerField())
    values = serializers.ListField(child=Number(), help_text="Not finite: the texts NaN, Infinity, -Infinity.")
    times = serializers.ListField(child=serializers.IntegerField(), help_text="Milliseconds since 1970; 0: not said.")


class CurvesOutput(serializers.Serializer):
    series = CurveOutput(many=True)
    next = serializers.URLField(allow_null=True, help_text="Address of the points after these; null where there are none.")


def curve(series: MetricSeries, points: Any) -> dict[str, Any]:
    """What `CurveOutput` describes, of a series and the points that are shown."""
    return {
        "name": series.name,
        "unit": series.unit,
        "count": series.count,
        "steps": points.steps.tolist(),
        "values": [number(value) for value in points.values.tolist()],
        "times": points.times.tolist(),
    }
