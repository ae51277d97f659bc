"""Releases, roll-backs and the gate."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import Missing
from governance import gate, services
from governance.api.common import ENVIRONMENT, environment_asked, version_of
from governance.history import asked_of
from governance.models import Release
from governance.serializers import releases as shapes
from governance.serializers.common import as_digest, as_uuid
from models_registry.models import RegisteredModel, Version

DIGEST = OpenApiParameter("digest", str, required=True, description="sha256:<64 hex> of the checkpoint's bytes.")


OF_MODEL = OpenApiParameter("model", UUID, description="Only as a version of this model, where the same bytes belong to several.")


class Releases(ApiView):
    write_scope = "govern"
    queries = {"model"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("model", UUID, description="Only releases of this model.")],
        responses=shapes.ReleaseOutput(many=True),
        operation_id="releases_list",
    )
    def get(self, request: Request) -> Response:
        """The releases that you may see, newest first; `?model=` narrows them."""
        rows = Release.objects.visible_to(request.user).select_related("version__model", "released_by", "under", "emergency")
        if model := request.query_params.get("model"):
            rows = rows.filter(model=as_uuid(model))
        return self.page(rows, shapes.ReleaseOutput, request)

    @extend_schema(
        tags=["governance"], request=shapes.ReleaseInput, responses={201: shapes.ReleaseOutput}, operation_id="releases_make"
    )
    def post(self, request: Request) -> Response:
        """Make an approved version live in an environment, in place of what is live there."""
        given = self.bind(shapes.ReleaseInput, request)
        made = services.release(version_of(request, given["version"]), environment=given["environment"], by=request.user)
        return Response(shapes.ReleaseOutput(made).data, status=201)


class ReleasesAsOf(ApiView):
    queries = {"environment", "at", "model"}

    @extend_schema(
        tags=["governance"],
        parameters=[
            OpenApiParameter("at", str, required=True, description="A time with its offset, or a date: that whole day in UTC."),
            OpenApiParameter("environment", str, description="Only there: the slug of an environment, also of a retired one."),
            OpenApiParameter("model", UUID, description="Only releases of this model."),
        ],
        responses=shapes.ReleaseOutput(many=True),
        operation_id="releases_as_of",
    )
    def get(self, request: Request) -> Response:
        """What was live then, of every model that you may see: from when until when, by whom, under which approval."""
        asked = asked_of(request.query_params.get("at", ""))
        rows = Release.objects.visible_to(request.user).live_during(asked.since, asked.until).told()
        if environment := request.query_params.get("environment"):
            rows = rows.filter(environment=environment)
        if model := request.query_params.get("model"):
            rows = rows.filter(model=as_uuid(model))
        return self.page(rows, shapes.ReleaseOutput, request)


class Rollbacks(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.RollbackInput, responses={201: shapes.ReleaseOutput}, operation_id="models_roll_back"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Make an earlier version live again: the latest whose approval still holds, or the one that `to` names."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
        given = self.bind(shapes.RollbackInput, request)
        to = get_object_or_404(Version.objects.filter(model=model), pk=given["to"]) if "to" in given else None
        made = services.roll_back(model, environment=given["environment"], by=request.user, reason=given["reason"], to=to)
        return Response(shapes.ReleaseOutput(made).data, status=201)


class Gate(ApiView):
    queries = {"digest", "environment", "model"}

    @extend_schema(
        tags=["governance"], parameters=[DIGEST, ENVIRONMENT, OF_MODEL], responses=shapes.GateOutput, operation_id="gate"
    )
    def get(self, request: Request) -> Response:
        """May exactly these bytes run there? Answered with every reason; an allowed answer carries its signed attestation."""
        digest = as_digest(request.query_params.get("digest", ""))
        asked = gate.answer(digest, environment_asked(request), asked_by=request.user, model=model_asked(request))
        return Response(shapes.gate(asked))


class GateStatus(ApiView):
    queries = {"environment", "model"}

    @extend_schema(
        tags=["governance"], parameters=[ENVIRONMENT, OF_MODEL], responses=shapes.GateStatusOutput, operation_id="gate_status"
    )
    def get(self, request: Request, digest: str) -> Response:
        """The latest attestation about these bytes there, and whether it still allows: how a deployment hears of a suspension
        before what it holds has expired. Nothing is asked of the gate, and nothing recorded."""
        found = gate.status(as_digest(digest), environment_asked(request), asked_by=request.user, model=model_asked(request))
        if found is None:
            raise Missing(_("The gate has certified nothing about these bytes there, or you may not see it."))
        return Response(shapes.gate_status(found))


def model_asked(request: Request) -> UUID | None:
    given = request.query_params.get("model")
    return as_uuid(given) if given else None
