"""Experiments over REST."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Scope
from accounts.visibility import teams_visible_to
from core.api import ApiView, ByKey
from tracking import services
from tracking.api.outputs import ExperimentOutput
from tracking.models import Experiment


class Experiments(ApiView):
    """The experiments that you may see."""

    write_scope = Scope.SUBMIT
    queries = {"team"}
    pagination_class = ByKey

    @extend_schema_serializer(component_name="ExperimentInput")
    class Input(serializers.Serializer):
        team = serializers.UUIDField()
        name = serializers.CharField(max_length=250)
        tags = serializers.DictField(required=False, default=dict)

    class Query(serializers.Serializer):
        team = serializers.UUIDField(required=False)

    @extend_schema(
        operation_id="experiments_list",
        summary="List experiments",
        parameters=[OpenApiParameter("team", UUID, description="Only this team's.")],
        responses=ExperimentOutput(many=True),
        tags=["runs"],
    )
    def get(self, request: Request) -> Response:
        """Experiments of your teams, newest first, without hidden ones."""
        bound = self.Query(data=request.query_params)
        bound.is_valid(raise_exception=True)
        rows = Experiment.objects.visible_to(request.user).shown().filter(**bound.validated_data)
        return self.page(rows, ExperimentOutput, request)

    @extend_schema(
        operation_id="experiments_make",
        summary="Make an experiment",
        request=Input,
        responses={201: ExperimentOutput},
        tags=["runs"],
    )
    def post(self, request: Request) -> Response:
        """A group for runs that answer one question."""
        asked = self.bind(self.Input, request)
        team = get_object_or_404(teams_visible_to(request.user), pk=asked.pop("team"))
        return Response(ExperimentOutput(services.make_experiment(team, by=request.user, **asked)).data, status=201)
