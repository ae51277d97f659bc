"""Environments: which there are, how strictly each asks for an approval."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance import services
from governance.models import Environment
from governance.serializers import environments as shapes


class Environments(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.EnvironmentOutput(many=True), operation_id="environments_list")
    def get(self, request: Request) -> Response:
        """Every environment with its mode: what a release without an approval meets there."""
        return self.page(Environment.objects.all(), shapes.EnvironmentOutput, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.EnvironmentInput,
        responses={201: shapes.EnvironmentOutput},
        operation_id="environments_make",
    )
    def post(self, request: Request) -> Response:
        """An environment of the site's own; for a risk manager for all teams, with fresh proof of identity."""
        made = services.make_environment(by=request.user, **self.bind(shapes.EnvironmentInput, request))
        return Response(shapes.EnvironmentOutput(made).data, status=201)


class EnvironmentMode(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.ModeInput, responses=shapes.EnvironmentOutput, operation_id="environments_change_mode"
    )
    def post(self, request: Request, slug: str) -> Response:
        """From now on releases to the environment are prevented, warned about or only recorded without an approval."""
        environment = get_object_or_404(Environment, pk=slug)
        changed = services.change_mode(environment, by=request.user, **self.bind(shapes.ModeInput, request))
        return Response(shapes.EnvironmentOutput(changed).data)


class EnvironmentRetirement(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.ProofInput, responses=shapes.EnvironmentOutput, operation_id="environments_retire"
    )
    def post(self, request: Request, slug: str) -> Response:
        """Nothing is released there any more; refused while something is live there."""
        environment = get_object_or_404(Environment, pk=slug)
        retired = services.retire_environment(environment, by=request.user, **self.bind(shapes.ProofInput, request))
        return Response(shapes.EnvironmentOutput(retired).data)
