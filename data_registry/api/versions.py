"""One dataset version over REST: its content, registration, lineage and findings."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Scope
from core.api import AnyBytes, ApiView, ByKey, stream_body
from core.errors import InvalidInput
from data_registry import locations, services
from data_registry.api.outputs import FindingOutput, LinkOutput, VersionDetail, VersionOutput
from data_registry.models import DatasetVersion, Link, PiiFinding


class _OnVersion(ApiView):
    """What stands below one dataset version."""

    write_scope = Scope.SUBMIT

    def version(self, request: Request, pk: UUID, *, among: QuerySet | None = None) -> DatasetVersion:
        versions = DatasetVersion.objects.named() if among is None else among
        return get_object_or_404(versions.visible_to(request.user), pk=pk)


class Version(_OnVersion):
    """One dataset version."""

    @extend_schema(
        operation_id="dataset_versions_retrieve", summary="One dataset version", responses=VersionDetail, tags=["datasets"]
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """The version with its profile and the personal data that reaches it."""
        with_profile = DatasetVersion.objects.named().select_related("profile")
        return Response(VersionDetail(self.version(request, pk, among=with_profile)).data)


class Content(_OnVersion):
    """The content of a draft."""

    parser_classes = [AnyBytes]

    @extend_schema(
        operation_id="dataset_versions_content",
        summary="Send the content",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter(
                "X-Content-SHA256", str, OpenApiParameter.HEADER, description="sha256:<64 hex>: refused if the bytes differ."
            )
        ],
        responses=VersionOutput,
        tags=["datasets"],
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """The raw body, streamed and hashed once. A draft's content can be sent again; a registered version's cannot."""
        version = services.receive_content(
            self.version(request, pk),
            by=request.user,
            chunks=stream_body(request, limit=settings.UPLOAD_LIMIT),
            expected=request.headers.get("X-Content-SHA256") or None,
        )
        return Response(VersionOutput(version).data)


class Location(_OnVersion):
    """Content that stays where it is."""

    @extend_schema_serializer(component_name="DatasetLocationInput")
    class Input(serializers.Serializer):
        kind = serializers.ChoiceField(choices=locations.NAMES)
        path = serializers.CharField(max_length=1000, required=False, help_text="folder: from the site's folder of data on.")
        bucket = serializers.CharField(max_length=1000, required=False, help_text="s3")
        key = serializers.CharField(max_length=1000, required=False, help_text="s3")
        md5 = serializers.CharField(max_length=1000, required=False, help_text="dvc: as the .dvc file says.")
        digest = serializers.CharField(max_length=71, help_text="sha256:<64 hex> of the content.")
        size = serializers.IntegerField(help_text="Bytes of the content.")

    @extend_schema(
        operation_id="dataset_versions_locate",
        summary="Say where the content stays",
        request=Input,
        responses=VersionOutput,
        tags=["datasets"],
    )
    def put(self, request: Request, pk: UUID) -> Response:
        """Instead of sending the content: workers read it in its place, and only while it has this digest."""
        given = self.bind(self.Input, request)
        digest, size = given.pop("digest"), given.pop("size")
        found = services.locate_content(self.version(request, pk), by=request.user, location=given, digest=digest, size=size)
        return Response(VersionOutput(found).data)


class Registration(_OnVersion):
    """The moment from which a version is fixed."""

    @extend_schema_serializer(component_name="DatasetRegistrationInput")
    class Input(serializers.Serializer):
        digest = serializers.CharField(
            max_length=71,
            required=False,
            allow_null=True,
            default=None,
            help_text="The content that you mean, if you computed it.",
        )

    @extend_schema(
        operation_id="dataset_versions_register",
        summary="Register a version",
        request=Input,
        responses={201: VersionOutput},
        tags=["datasets"],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """From now on the version never changes. A worker reads its content in the sandbox and looks for personal data."""
        version = services.register_version(self.version(request, pk), by=request.user, **self.bind(self.Input, request))
        return Response(VersionOutput(version).data, status=201)


class HoldOut(_OnVersion):
    """A version that is kept apart to test on."""

    @extend_schema(
        operation_id="dataset_versions_hold_out",
        summary="Register a hold-out",
        request=None,
        responses={201: VersionOutput},
        tags=["datasets"],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """By a validator who does not train: from now on what is measured on it can be verified, and is counted."""
        version = self.version(request, pk)
        services.register_hold_out(version, by=request.user)
        return Response(VersionOutput(self.version(request, pk)).data, status=201)


class Links(_OnVersion):
    """How a version came from others."""

    pagination_class = ByKey

    @extend_schema_serializer(component_name="DatasetLinkInput")
    class Input(serializers.Serializer):
        kind = serializers.ChoiceField(choices=Link.Kind.choices)
        to_version = serializers.UUIDField(help_text="The version that this one comes from.")

    @extend_schema(
        operation_id="dataset_links_list",
        summary="List what a version came from",
        responses=LinkOutput(many=True),
        tags=["datasets"],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """The direct links of this version, newest first."""
        seen = DatasetVersion.objects.visible_to(request.user)
        return self.page(self.version(request, pk).links_up.filter(to_version__in=seen), LinkOutput, request)

    @extend_schema(
        operation_id="dataset_links_create",
        summary="Say what a version came from",
        request=Input,
        responses={201: LinkOutput},
        tags=["datasets"],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Derived from, labelled by or split from a registered version; what is known of that one reaches this one."""
        version, asked = self.version(request, pk), self.bind(self.Input, request)
        to_version = DatasetVersion.objects.named().visible_to(request.user).filter(pk=asked["to_version"]).first()
        if to_version is None:
            raise InvalidInput(_("There is no such dataset version, or you may not see it."), field="to_version")
        link = services.link_versions(version, by=request.user, kind=asked["kind"], to_version=to_version)
        return Response(LinkOutput(link).data, status=201)


class Findings(_OnVersion):
    """What was found or said about personal data in a version."""

    pagination_class = ByKey

    @extend_schema_serializer(component_name="PiiFindingInput")
    class Input(serializers.Serializer):
        category = serializers.ChoiceField(choices=PiiFinding.Category.choices)
        present = serializers.ChoiceField(choices=PiiFinding.Present.choices)
        column = serializers.CharField(
            max_length=200, required=False, default="", allow_blank=True, help_text="Empty: all of it."
        )
        note = serializers.CharField(max_length=2_000, required=False, default="", allow_blank=True)
        review = serializers.BooleanField(
            required=False, default=False, help_text="A data protection officer's: sets aside what was said before. Needs a note."
        )

    @extend_schema(
        operation_id="pii_findings_list", summary="List findings", responses=FindingOutput(many=True), tags=["datasets"]
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """All findings on this version itself, newest first, also those that a review set aside."""
        return self.page(self.version(request, pk).pii_findings.with_notes(), FindingOutput, request)

    @extend_schema(
        operation_id="pii_findings_create",
        summary="Record a finding",
        request=Input,
        responses={201: FindingOutput},
        tags=["datasets"],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Personal data of a category is, is not, or may be present. Only a review takes a yes back."""
        finding = services.record_finding(self.version(request, pk), by=request.user, **self.bind(self.Input, request))
        return Response(FindingOutput(finding).data, status=201)
