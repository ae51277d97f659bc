"""The API's edge for what changed between two versions."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import InvalidInput, Missing
from governance.causes.sections import approved_before, sections_of
from models_registry.models import Version

SINCE = OpenApiParameter(
    "since", UUID, description="Another version of the same model; else the one that was approved last before this one."
)


class ChangeOutput(serializers.Serializer):
    kind = serializers.ChoiceField(choices=["changed", "added", "removed"])
    label = serializers.CharField()  # type: ignore[assignment]  # a field with the name of DRF's property
    before = serializers.CharField()
    after = serializers.CharField()


class ChangeSectionOutput(serializers.Serializer):
    name = serializers.ChoiceField(choices=["code", "data", "parameters", "environment", "weights", "results"])
    claimed = serializers.BooleanField(help_text="Told from what the training reported, not verified here.")
    items = ChangeOutput(many=True)
    notes = serializers.ListField(child=serializers.CharField(), help_text="What is not known, one sentence each.")


class ChangesOutput(serializers.Serializer):
    since = serializers.UUIDField(source="before.pk")
    since_name = serializers.CharField(source="before.__str__")
    sections = ChangeSectionOutput(many=True)


class Changes(ApiView):
    queries = {"since"}

    @extend_schema(tags=["versions"], parameters=[SINCE], responses=ChangesOutput, operation_id="versions_changes")
    def get(self, request: Request, pk: UUID) -> Response:
        """What changed since another version: code, data, parameters, environment, weights, results."""
        version = get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)
        before = self._since(version, request.query_params.get("since", ""))
        return Response(ChangesOutput({"before": before, "sections": sections_of(before, version)}).data)

    def _since(self, version: Version, given: str) -> Version:
        if not given:
            before = approved_before(version)
            if before is None:
                raise Missing(_("No version of this model was submitted before this one: name the other with since."))
            return before
        try:
            other = UUID(given)
        except ValueError as error:
            raise InvalidInput(_("since is the id of a version."), code="since") from error
        return get_object_or_404(Version.objects.of(version.model).with_parts(), pk=other)
