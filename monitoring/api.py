"""The API's edge for observations from production and for alerts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance.models import PRODUCTION
from governance.serializers.common import EnvironmentNamed
from models_registry.models import Version
from monitoring import services
from monitoring.models import Alert, ObservationBatch

MOST_CLASSES = 10_000


class ObservationInput(serializers.Serializer):
    """Sums over a batch of softmax vectors; the SDK forms them, so that single predictions stay with you."""

    version = serializers.UUIDField()
    environment = EnvironmentNamed(default=PRODUCTION)
    n = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="Rows in the batch.")
    sums = serializers.ListField(
        child=serializers.FloatField(), min_length=2, max_length=MOST_CLASSES, help_text="Per class: sum of probabilities."
    )
    sums_of_squares = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=MOST_CLASSES)
    predicted = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**31 - 1),
        min_length=2,
        max_length=MOST_CLASSES,
        help_text="Per class: rows predicted.",
    )

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if len({len(given[name]) for name in ("sums", "sums_of_squares", "predicted")}) != 1:
            raise serializers.ValidationError(_("The three lists have one number for each class, so they are equally long."))
        return given


class ObservationOutput(serializers.ModelSerializer):
    class Meta:
        model = ObservationBatch
        fields = ["id", "version", "environment", "received_at", "n", "digest", "checked_at", "outcome"]


class AlertOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="version.__str__")

    class Meta:
        model = Alert
        fields = ["id", "version", "name", "environment", "rule", "sentence", "facts", "state", "opened_at"]


class ClosingInput(serializers.Serializer):
    why = serializers.CharField(max_length=2000)


class Observations(ApiView):
    write_scope = "observe"

    @extend_schema(tags=["monitoring"], responses=ObservationOutput(many=True), operation_id="observations_list")
    def get(self, request: Request) -> Response:
        """The batches that you may see, newest first."""
        return self.page(ObservationBatch.objects.visible_to(request.user), ObservationOutput, request)

    @extend_schema(
        tags=["monitoring"], request=ObservationInput, responses={201: ObservationOutput}, operation_id="observations_send"
    )
    def post(self, request: Request) -> Response:
        """Report a batch of predictions from an environment."""
        given = self.bind(ObservationInput, request)
        versions = Version.objects.visible_to(request.user).select_related("model__team")
        version = get_object_or_404(versions, pk=given.pop("version"))
        batch = services.receive_observations(version, by=request.user, **given)
        return Response(ObservationOutput(batch).data, status=201)


class Alerts(ApiView):
    @extend_schema(tags=["monitoring"], responses=AlertOutput(many=True), operation_id="alerts_list")
    def get(self, request: Request) -> Response:
        """The alerts that you may see, newest first."""
        return self.page(Alert.objects.visible_to(request.user).select_related("version__model"), AlertOutput, request)


class Acknowledgement(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["monitoring"], request=None, responses=AlertOutput, operation_id="alerts_acknowledge")
    def post(self, request: Request, pk: UUID) -> Response:
        """Say that you look into it."""
        alert = _alert(request, pk)
        services.acknowledge(alert, by=request.user)
        return Response(AlertOutput(alert).data)


class Closing(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["monitoring"], request=ClosingInput, responses=AlertOutput, operation_id="alerts_close")
    def post(self, request: Request, pk: UUID) -> Response:
        """End the alert, saying why."""
        alert = _alert(request, pk)
        services.close(alert, by=request.user, **self.bind(ClosingInput, request))
        return Response(AlertOutput(alert).data)


def _alert(request: Request, pk: UUID) -> Alert:
    return get_object_or_404(Alert.objects.visible_to(request.user).select_related("version__model__team"), pk=pk)
