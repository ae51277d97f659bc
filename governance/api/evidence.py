"""Files that people bring as evidence."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from core.api import AnyBytes, ApiView, stream_body
from core.errors import InvalidInput
from governance import services
from governance.downloads import evidence_file
from governance.models import Evidence
from governance.serializers import evidence as shapes
from models_registry.api import FILE_NAME, SHA256
from models_registry.models import RegisteredModel, Version

_IN_QUERY = [
    OpenApiParameter("title", str, description="As people call it; at most 200 characters."),
    OpenApiParameter("version", UUID, description="The version of the model that it is for; the model as a whole if not given."),
    OpenApiParameter("owner", UUID, description="Who answers for it; you if not given."),
    OpenApiParameter("valid_from", OpenApiTypes.DATE, description="The first day; today if not given."),
    OpenApiParameter("valid_until", OpenApiTypes.DATE, description="The last day; without an end if not given."),
]


def _model(request: Request, pk: UUID) -> RegisteredModel:
    return get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team"), pk=pk)


class EvidenceList(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.EvidenceOutput(many=True), operation_id="evidence_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The files of a model and of its versions, newest first, the superseded and withdrawn ones too."""
        return self.page(Evidence.objects.filter(model=_model(request, pk)).with_parts(), shapes.EvidenceOutput, request)


class EvidenceOfKind(ApiView):
    parser_classes = [AnyBytes]
    write_scope = "submit"
    queries = {"title", "version", "owner", "valid_from", "valid_until"}

    @extend_schema(
        tags=["governance"],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[*_IN_QUERY, SHA256, FILE_NAME],
        responses=shapes.EvidenceOutput,
        operation_id="evidence_upload",
    )
    def put(self, request: Request, pk: UUID, kind: str) -> Response:
        """Bring a file of this kind as the raw body; it takes the place of the one before, which is kept."""
        model = _model(request, pk)
        bound = shapes.EvidenceQuery(data=request.query_params)
        bound.is_valid(raise_exception=True)
        given = dict(bound.validated_data)
        version, owner = given.pop("version", None), given.pop("owner", None)
        made = services.upload_evidence(
            model,
            stream_body(request, limit=settings.UPLOAD_LIMIT),
            by=request.user,
            kind=kind,
            file_name=request.headers.get("X-File-Name", ""),
            version=self._version(model, version) if version else None,
            owner=self._owner(owner) if owner else None,
            expected=request.headers.get("X-Content-SHA256"),
            **given,
        )
        return Response(shapes.EvidenceOutput(made).data)

    def _version(self, model: RegisteredModel, pk: UUID) -> Version:
        found = Version.objects.of(model).select_related("model").filter(pk=pk).first()
        if found is None:
            raise InvalidInput(_("The model has no version %(id)s.") % {"id": pk}, code="unknown_version")
        return found

    def _owner(self, pk: UUID) -> Person:
        found = Person.objects.filter(pk=pk).first()
        if found is None:
            raise InvalidInput(_("The owner is somebody who belongs to the model's team."), code="owner")
        return found


class EvidenceDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.EvidenceOutput, operation_id="evidence_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One file: what it is, whose, until when it is valid, and its digest."""
        return Response(
            shapes.EvidenceOutput(get_object_or_404(Evidence.objects.visible_to(request.user).with_parts(), pk=pk)).data
        )


class EvidenceFile(ApiView):
    @extend_schema(
        tags=["governance"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        operation_id="evidence_fetch_file",
    )
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """The bytes as they were received."""
        return evidence_file(get_object_or_404(Evidence.objects.visible_to(request.user), pk=pk))


class EvidenceWithdrawal(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"],
        request=shapes.EvidenceWithdrawalInput,
        responses=shapes.EvidenceOutput,
        operation_id="evidence_withdraw",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """The file no longer counts, for the reason given; it is kept."""
        found = get_object_or_404(Evidence.objects.visible_to(request.user).with_parts(), pk=pk)
        given = self.bind(shapes.EvidenceWithdrawalInput, request)
        return Response(shapes.EvidenceOutput(services.withdraw_evidence(found, by=request.user, **given)).data)
