"""Exceptions: the register, asking for one, and the decision on it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import InvalidInput
from governance import services
from governance.api.common import version_of
from governance.models import RequirementException
from governance.serializers import exceptions as shapes

STATES = RequirementException.State.values


def _row(request: Request, pk: UUID) -> RequirementException:
    return get_object_or_404(RequirementException.objects.visible_to(request.user).with_parts(), pk=pk)


def _answer(row: RequirementException, status: int = 200) -> Response:
    return Response(shapes.ExceptionRow(RequirementException.objects.with_parts().get(pk=row.pk)).data, status=status)


def _says(request_shape: Any, name: str) -> Any:
    return extend_schema(tags=["governance"], request=request_shape, responses=shapes.ExceptionRow, operation_id=name)


class Exceptions(ApiView):
    write_scope = "govern"
    queries = {"state"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("state", str, enum=STATES)],
        responses=shapes.ExceptionRow(many=True),
        operation_id="exceptions_list",
    )
    def get(self, request: Request) -> Response:
        """The exceptions that you may see, newest first."""
        rows = RequirementException.objects.visible_to(request.user).with_parts()
        if state := request.query_params.get("state"):
            if state not in STATES:
                raise InvalidInput(_("The state is one of %(known)s.") % {"known": ", ".join(STATES)}, code="state")
            rows = rows.filter(state=state)
        return self.page(rows, shapes.ExceptionRow, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.ExceptionAsking,
        responses={201: shapes.ExceptionRow},
        operation_id="exceptions_request",
    )
    def post(self, request: Request) -> Response:
        """Ask that one requirement may stay unmet about a version (or every version of its model) until a day."""
        said = self.bind(shapes.ExceptionAsking, request)
        version = version_of(request, said.pop("version"))
        return _answer(services.request_exception(version, by=request.user, **said), 201)


class ExceptionDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.ExceptionRow, operation_id="exceptions_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One exception."""
        return Response(shapes.ExceptionRow(_row(request, pk)).data)


class ExceptionApproval(ApiView):
    write_scope = "govern"

    @_says(shapes.ExceptionApproval, "exceptions_approve")
    def post(self, request: Request, pk: UUID) -> Response:
        """Approve it, proving who you are with your password (and second factor): a key alone never does."""
        said = self.bind(shapes.ExceptionApproval, request)
        return _answer(services.approve_exception(_row(request, pk), by=request.user, **said))


class ExceptionRefusal(ApiView):
    write_scope = "govern"

    @_says(shapes.ExceptionRefusal, "exceptions_refuse")
    def post(self, request: Request, pk: UUID) -> Response:
        """Refuse it with a reason."""
        said = self.bind(shapes.ExceptionRefusal, request)
        return _answer(services.refuse_exception(_row(request, pk), by=request.user, **said))


class ExceptionRevocation(ApiView):
    write_scope = "govern"

    @_says(shapes.ExceptionRevocation, "exceptions_revoke")
    def post(self, request: Request, pk: UUID) -> Response:
        """Take it back: the requirement has to be met from now on."""
        said = self.bind(shapes.ExceptionRevocation, request)
        return _answer(services.revoke_exception(_row(request, pk), by=request.user, **said))
