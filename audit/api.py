"""The API's edge for reports, and the public keys of the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit import services
from audit.files import pdf_of
from audit.models import Report
from audit.trust import trust
from core.api import ApiView
from governance.models import PRODUCTION
from governance.serializers.common import EnvironmentNamed
from models_registry.models import Version


class Trust(ApiView):
    """The site's public keys, for whoever verifies its reports."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    class Output(serializers.Serializer):
        format = serializers.CharField(help_text="countersign-trust/1")
        site = serializers.CharField()
        origin = serializers.CharField(help_text="the log's name in its seals")
        log_key = serializers.CharField(help_text="the key that seals the log, as a C2SP verifier key")
        attestation_key = serializers.CharField(help_text="the key that signs attestations (DSSE), PEM")
        report_certificate = serializers.CharField(help_text="the certificate that signs reports, PEM")
        report_certificate_sha256 = serializers.CharField(help_text="SHA-256 of the certificate's DER form, in hexadecimal")

    @extend_schema(tags=["trust"], operation_id="trust_read", responses=Output, auth=[])
    def get(self, request: Request) -> Response:
        """What to give to `countersign verify --trust`. It is worth what the connection is worth over which you fetch it."""
        return Response(trust())


class ReportInput(serializers.Serializer):
    version = serializers.UUIDField()
    environment = EnvironmentNamed(default=PRODUCTION)


class ReportOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="version.__str__", help_text="the version, as people name it")
    requested_by = serializers.UUIDField(source="requested_by_id")

    class Meta:
        model = Report
        fields = [
            "id",
            "version",
            "name",
            "environment",
            "title",
            "state",
            "error",
            "progress",
            "outcome",
            "requested_by",
            "queued_at",
            "finished_at",
            "content_digest",
            "log_size",
            "pdf_digest",
            "pdf_size",
            "pages",
            "files",
            "verification",
        ]


class Reports(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["reports"], responses=ReportOutput(many=True), operation_id="reports_list")
    def get(self, request: Request) -> Response:
        """The reports that you may see, newest first."""
        return self.page(Report.objects.visible_to(request.user).with_parts(), ReportOutput, request)

    @extend_schema(tags=["reports"], request=ReportInput, responses={201: ReportOutput}, operation_id="reports_make")
    def post(self, request: Request) -> Response:
        """Ask for a report of a version as it stands now. A worker makes it: ask for its state until it is completed."""
        given = self.bind(ReportInput, request)
        versions = Version.objects.visible_to(request.user).with_parts()
        version = get_object_or_404(versions, pk=given["version"])
        report = services.request_report(version, environment=given["environment"], by=request.user)
        return Response(ReportOutput(report).data, status=201)


class ReportDetail(ApiView):
    @extend_schema(tags=["reports"], responses=ReportOutput, operation_id="reports_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One report: how far it is, its digests, its attachments, and what the offline verifier said before it was given out."""
        return Response(ReportOutput(_report(request, pk)).data)


class PdfRenderer(BaseRenderer):
    """Lets clients ask for application/pdf; problems stay JSON."""

    media_type = "application/pdf"
    format = "pdf"
    render_style = "binary"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        return JSONRenderer().render(data)


class ReportPdf(ApiView):
    renderer_classes = (JSONRenderer, PdfRenderer)
    also_refuses = (409,)  # until it is made

    @extend_schema(tags=["reports"], responses={(200, "application/pdf"): OpenApiTypes.BINARY}, operation_id="reports_pdf")
    def get(self, request: Request, pk: UUID) -> FileResponse:
        """The signed PDF; the header X-Content-SHA256 says its digest."""
        return pdf_of(_report(request, pk))


def _report(request: Request, pk: UUID) -> Report:
    return get_object_or_404(Report.objects.visible_to(request.user).with_parts(), pk=pk)
