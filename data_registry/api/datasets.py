"""Datasets and the making of versions, over REST."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.roles import Scope
from accounts.visibility import teams_visible_to
from core.api import ApiView, ByKey
from core.errors import InvalidInput
from data_registry import services
from data_registry.api.outputs import DatasetOutput, VersionOutput
from data_registry.models import Dataset, DatasetVersion


class Datasets(ApiView):
    """The datasets that you may see."""

    write_scope = Scope.SUBMIT
    queries = {"name"}
    pagination_class = ByKey  # tells the OpenAPI description that the list comes in pages

    @extend_schema_serializer(component_name="DatasetInput")
    class Input(serializers.Serializer):
        team = serializers.UUIDField()
        name = serializers.CharField(max_length=120)
        description = serializers.CharField(max_length=10_000, required=False, default="", allow_blank=True)

    class Query(serializers.Serializer):
        name = serializers.CharField(max_length=120, required=False)

    @extend_schema(
        operation_id="datasets_list",
        summary="List datasets",
        parameters=[OpenApiParameter("name", str, description="Only datasets of exactly this name.")],
        responses=DatasetOutput(many=True),
        tags=["datasets"],
    )
    def get(self, request: Request) -> Response:
        """Datasets of your teams, newest first."""
        datasets = Dataset.objects.visible_to(request.user)
        query = self.Query(data=request.query_params)
        query.is_valid(raise_exception=True)
        if name := query.validated_data.get("name"):
            datasets = datasets.filter(name=name)
        return self.page(datasets, DatasetOutput, request)

    @extend_schema(
        operation_id="datasets_create",
        summary="Register a dataset",
        request=Input,
        responses={201: DatasetOutput},
        tags=["datasets"],
    )
    def post(self, request: Request) -> Response:
        """A name under which versions will stand; it is unique in its team."""
        asked = self.bind(self.Input, request)
        team = teams_visible_to(request.user).filter(pk=asked.pop("team")).first()
        if team is None:
            raise InvalidInput(_("There is no such team, or you may not see it. List the teams to find its id."), field="team")
        return Response(DatasetOutput(services.register_dataset(team, by=request.user, **asked)).data, status=201)


class Versions(ApiView):
    """The versions of one dataset."""

    write_scope = Scope.SUBMIT
    pagination_class = ByKey

    @extend_schema_serializer(component_name="DatasetVersionInput")
    class Input(serializers.Serializer):
        provenance = serializers.DictField(
            help_text="D&TA Data Provenance Standards 1.0.0: {source, provenance, use}. Needed: source.title, source.issuer, "
            "provenance.origin-geography, provenance.date, provenance.generation-method, provenance.format, "
            "use.intended-purpose, use.license."
        )
        format = serializers.ChoiceField(choices=DatasetVersion.Format.choices, required=False, default="other")
        media_type = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
        rows = serializers.IntegerField(min_value=0, required=False, allow_null=True, default=None)
        columns = serializers.ListField(
            child=serializers.DictField(),
            required=False,
            default=list,
            help_text='[{"name": "email", "dtype": "string", "category": "contact", "present": "yes"}], all but name optional',
        )

    @extend_schema(
        operation_id="dataset_versions_list",
        summary="List the versions of a dataset",
        responses=VersionOutput(many=True),
        tags=["datasets"],
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Newest first."""
        dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
        return self.page(dataset.versions.named().select_related("hold_out"), VersionOutput, request)

    @extend_schema(
        operation_id="dataset_versions_create",
        summary="Describe a new version",
        request=Input,
        responses={201: VersionOutput},
        tags=["datasets"],
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """A draft with complete provenance; missing elements are named, each in a sentence. Then send its content."""
        dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=pk)
        version = services.draft_version(dataset, by=request.user, **self.bind(self.Input, request))
        return Response(VersionOutput(version).data, status=201)
