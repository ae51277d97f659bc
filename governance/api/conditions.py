"""Conditions of approvals."""

from __future__ import annotations

from uuid import UUID

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import InvalidInput
from governance import services
from governance.downloads import condition_file
from governance.models import Condition
from governance.serializers import conditions as shapes

MINE = OpenApiParameter("mine", bool, description="Only those that you own.")
UNMET = OpenApiParameter("unmet", bool, description="Only those that are not met and not missed.")
VERSION = OpenApiParameter("version", OpenApiTypes.UUID, description="Only those of this version.")


def _condition(request: Request, pk: UUID) -> Condition:
    return get_object_or_404(Condition.objects.visible_to(request.user).with_parts(), pk=pk)


class Conditions(ApiView):
    queries = {"mine", "unmet", "version"}

    @extend_schema(
        tags=["governance"],
        parameters=[MINE, UNMET, VERSION],
        responses=shapes.ConditionOutput(many=True),
        operation_id="conditions_list",
    )
    def get(self, request: Request) -> Response:
        """The conditions of the approvals that you may see, newest first."""
        rows = Condition.objects.visible_to(request.user).with_parts()
        if _flag(request, "mine"):
            rows = rows.filter(owner=request.user)
        if _flag(request, "unmet"):
            rows = rows.unmet()
        if version := request.query_params.get("version"):
            try:
                rows = rows.filter(review__version=UUID(version))
            except ValueError as error:
                raise InvalidInput("version is the id of a version.", code="version") from error
        return self.page(rows, shapes.ConditionOutput, request)


def _flag(request: Request, name: str) -> bool:
    given = request.query_params.get(name, "false")
    if given not in {"true", "false"}:
        raise InvalidInput(f"{name} is true or false.", code=name)
    return bool(given == "true")


class ConditionDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.ConditionOutput, operation_id="conditions_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One condition and how far it is."""
        return Response(shapes.ConditionOutput(_condition(request, pk)).data)


class ConditionReport(ApiView):
    write_scope = "submit"

    @extend_schema(
        tags=["governance"],
        request=shapes.ConditionReportInput,
        responses=shapes.ConditionOutput,
        operation_id="conditions_report",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Say, as its owner, that the condition is met; it then waits for the role that set it."""
        given = self.bind(shapes.ConditionReportInput, request)
        done = services.report_condition(_condition(request, pk), by=request.user, report=given["report"])
        return Response(shapes.ConditionOutput(done).data)


class ConditionAnswer(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"],
        request=shapes.ConditionAnswerInput,
        responses=shapes.ConditionOutput,
        operation_id="conditions_answer",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Sign that the condition is met, or say what is missing: with the role that set it, and never as its owner."""
        given = self.bind(shapes.ConditionAnswerInput, request)
        done = services.answer_condition(_condition(request, pk), by=request.user, **given)
        return Response(shapes.ConditionOutput(done).data)


class ConditionEvidence(ApiView):
    @extend_schema(
        tags=["governance"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        operation_id="conditions_evidence",
    )
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """The file that the owner handed in; the header X-Content-SHA256 says its digest."""
        return condition_file(_condition(request, pk))
