"""Runs side by side over REST."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from tracking.api.outputs import Number
from tracking.comparing.gathering import chosen_runs, compared
from tracking.comparing.measuring import Direction

_SEVERAL = {"type": "array", "items": {"type": "string"}}


class RowOutput(serializers.Serializer):
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField(allow_null=True), help_text="For each run; null: not reported.")


class SidesOutput(serializers.Serializer):
    differing = RowOutput(many=True)
    equal = RowOutput(many=True)


class CellOutput(serializers.Serializer):
    last = Number()
    last_step = serializers.IntegerField()
    best = Number(allow_null=True, help_text="The run's own best finite value in this direction.")
    best_step = serializers.IntegerField(allow_null=True)
    count = serializers.IntegerField()
    not_finite = serializers.IntegerField()
    leads = serializers.BooleanField(help_text="No other run's best is better.")


class MetricRowOutput(serializers.Serializer):
    name = serializers.CharField()
    unit = serializers.CharField()
    direction = serializers.ChoiceField(
        choices=[one.value for one in Direction], allow_null=True, help_text="Which values are better; null: neither."
    )
    assumed = serializers.BooleanField(help_text="The direction is guessed from the name.")
    cells = serializers.ListField(child=CellOutput(allow_null=True))


class ComparedDataOutput(serializers.Serializer):
    digest = serializers.CharField()
    dataset_version = serializers.UUIDField(source="dataset_version_id", allow_null=True)


class DataRowOutput(serializers.Serializer):
    context = serializers.CharField()  # type: ignore[assignment]  # a field of this name
    name = serializers.CharField()
    differs = serializers.BooleanField()
    cells = serializers.ListField(child=ComparedDataOutput(many=True))


class ComparedRunOutput(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    team = serializers.UUIDField(source="team_id")
    experiment = serializers.CharField(source="experiment.name")
    state = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class RunComparison(ApiView):
    """Two to eight runs side by side."""

    queries = frozenset({"run", *Direction})
    repeated = frozenset({"run", *Direction})

    @extend_schema_serializer(component_name="RunComparison")
    class Output(serializers.Serializer):
        runs = ComparedRunOutput(many=True)
        params = SidesOutput()
        metrics = MetricRowOutput(many=True)
        code = SidesOutput()
        commits = serializers.ListField(
            child=serializers.CharField(),
            help_text="For each run after the first: where the repository's host lists the commits from the first; or empty.",
        )
        data = DataRowOutput(many=True)  # type: ignore[assignment]  # a field of this name
        machine = SidesOutput()
        packages = SidesOutput()

    @extend_schema(
        operation_id="runs_comparison",
        summary="Compare training runs",
        parameters=[
            OpenApiParameter("run", _SEVERAL, required=True, explode=True, description="A run's id; 2 to 8 times."),
            OpenApiParameter("lower", _SEVERAL, explode=True, description="A metric of which lower values are better."),
            OpenApiParameter("higher", _SEVERAL, explode=True, description="A metric of which higher values are better."),
        ],
        responses=Output,
        tags=["runs"],
    )
    def get(self, request: Request) -> Response:
        """What differs, in the order of the runs: parameters, metrics with the best marked, code facts, data by digest,
        environment and packages. Everything in it is claimed by whoever trained."""
        asked = request.query_params
        runs = chosen_runs(asked.getlist("run"), by=request.user)
        found = compared(runs, lower=asked.getlist("lower"), higher=asked.getlist("higher"))
        return Response(self.Output(found).data)
