"""Training runs over REST."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from accounts.roles import Scope
from accounts.visibility import teams_visible_to
from core.api import ApiView, ByKey
from core.errors import InvalidInput
from tracking import rules, services
from tracking.models import MetricSeries, TrainingRun


class SeriesOutput(serializers.ModelSerializer):
    steps = serializers.ListField(child=serializers.IntegerField())
    values = serializers.ListField(child=serializers.FloatField())

    class Meta:
        model = MetricSeries
        fields = ["name", "unit", "steps", "values"]


class RunOutput(serializers.ModelSerializer):
    params = serializers.DictField()
    code = serializers.DictField(help_text="repository, branch, commit, tree, dirty, patch_digest; empty: not reported")
    environment = serializers.DictField(help_text="python, platform, accelerator, lock_digest, packages; empty: not reported")

    class Meta:
        model = TrainingRun
        fields = ["id", "team", "name", "params", "code", "environment", "started_at", "ended_at", "created_by", "created_at"]


class RunDetail(RunOutput):
    series = SeriesOutput(many=True)

    class Meta(RunOutput.Meta):
        fields = [*RunOutput.Meta.fields, "series"]


class Runs(ApiView):
    """The runs that you may see."""

    write_scope = Scope.SUBMIT
    queries = {"team"}
    pagination_class = ByKey  # tells the OpenAPI description that the list comes in pages

    @extend_schema_serializer(component_name="RunInput")
    class Input(serializers.Serializer):
        team = serializers.UUIDField()
        name = serializers.CharField(max_length=200)
        params = serializers.DictField(required=False, default=dict)
        code = serializers.DictField(required=False, default=dict)
        environment = serializers.DictField(required=False, default=dict)
        series = serializers.ListField(
            child=serializers.DictField(),
            required=False,
            default=list,
            max_length=rules.SERIES,
            help_text='[{"name": "train/loss", "unit": "", "steps": [0, 1], "values": [2.3, 1.9]}]: ascending, finite',
        )
        started_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
        ended_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    @extend_schema(
        operation_id="runs_list",
        summary="List training runs",
        parameters=[OpenApiParameter("team", UUID, description="Only this team's runs.")],
        responses=RunOutput(many=True),
        tags=["runs"],
    )
    def get(self, request: Request) -> Response:
        """Runs of your teams, newest first, without their curves."""
        runs = TrainingRun.objects.visible_to(request.user)
        if team := self._query(request).get("team"):
            runs = runs.filter(team=team)
        return self.page(runs, RunOutput, request)

    @extend_schema(
        operation_id="runs_create", summary="Record a training run", request=Input, responses={201: RunDetail}, tags=["runs"]
    )
    def post(self, request: Request) -> Response:
        """The run as you report it, fixed from now on: it is shown as claimed, because nobody here saw it happen."""
        asked = self.bind(self.Input, request)
        run = services.record_run(_team(asked.pop("team"), request), by=request.user, **asked)
        return Response(RunDetail(run).data, status=201)

    class Query(serializers.Serializer):
        team = serializers.UUIDField(required=False)

    def _query(self, request: Request) -> dict[str, Any]:
        bound = self.Query(data=request.query_params)
        bound.is_valid(raise_exception=True)
        return bound.validated_data


class Run(ApiView):
    """One training run."""

    @extend_schema(operation_id="runs_retrieve", summary="One training run", responses=RunDetail, tags=["runs"])
    def get(self, request: Request, pk: UUID) -> Response:
        """The run with its curves."""
        runs = TrainingRun.objects.visible_to(request.user)
        with_curves = runs.prefetch_related(Prefetch("series", MetricSeries.objects.order_by("name")))
        return Response(RunDetail(get_object_or_404(with_curves, pk=pk)).data)


def _team(pk: UUID, request: Request) -> Team:
    team = teams_visible_to(request.user).filter(pk=pk).first()
    if team is None:
        raise InvalidInput(_("There is no such team, or you may not see it. List the teams to find its id."), field="team")
    return team
