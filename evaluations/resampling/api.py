"""The API's edge for sets of folds and refits: begin with a split, send each checkpoint, submit, read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import AnyBytes, ApiView, stream_body
from evaluations.resampling import services
from evaluations.resampling.models import Fold, FoldCheckpoint, Resampling
from evaluations.resampling.splits import LIMIT
from models_registry.api import FILE_NAME, SHA256
from models_registry.models import Version


class FoldCheckpointOutput(serializers.ModelSerializer):
    class Meta:
        model = FoldCheckpoint
        fields = ["number", "digest", "size", "name"]


class FoldOutput(serializers.ModelSerializer):
    class Meta:
        model = Fold
        fields = ["number", "name", "state", "checkpoint_digest", "rows", "metrics", "error", "finished_at"]


class ResamplingRow(serializers.ModelSerializer):
    state = serializers.CharField(
        source="standing", help_text="draft until it is submitted, queued until each part is measured; then as of any job."
    )
    data = serializers.CharField(source="dataset_version.__str__")  # type: ignore[assignment]  # a field with the name of DRF's property
    parts = serializers.SerializerMethodField(help_text="How many parts the split has.")

    class Meta:
        model = Resampling
        fields = [
            "id",
            "version",
            "method",
            "state",
            "data",
            "dataset_version",
            "split_digest",
            "parts",
            "created_at",
            "submitted_at",
        ]

    def get_parts(self, resampling: Resampling) -> int:
        return len(resampling.split["parts"])


class ResamplingOutput(ResamplingRow):
    split = serializers.DictField(
        help_text="seed, rows, stratify, group and the names and sizes of the parts; the rows lie in the file."
    )
    checkpoints = FoldCheckpointOutput(many=True)
    folds = FoldOutput(
        many=True, help_text="What was measured on each part; number 0 is the version itself on its training rows."
    )
    metrics = serializers.SerializerMethodField(help_text="The combined numbers; cross_validation or bootstrap_refits.")
    left_out = serializers.SerializerMethodField(help_text="Measures that some part knows nothing of.")
    error = serializers.SerializerMethodField()
    results_digest = serializers.SerializerMethodField()

    class Meta(ResamplingRow.Meta):
        fields = [*ResamplingRow.Meta.fields, "split", "checkpoints", "folds", "metrics", "left_out", "error", "results_digest"]

    def get_metrics(self, resampling: Resampling) -> list[dict[str, Any]]:
        return list(_of(resampling, "metrics", []))

    def get_left_out(self, resampling: Resampling) -> list[str]:
        return list(_of(resampling, "facts", {}).get("left_out", []))

    def get_error(self, resampling: Resampling) -> str:
        return str(_of(resampling, "error", ""))

    def get_results_digest(self, resampling: Resampling) -> str:
        return str(_of(resampling, "results_digest", ""))


def _of(resampling: Resampling, column: str, otherwise: Any) -> Any:
    combination = getattr(resampling, "combination", None)
    return getattr(combination, column) if combination else otherwise


def _seen(request: Request, pk: UUID) -> Resampling:
    return get_object_or_404(Resampling.objects.visible_to(request.user).with_parts(), pk=pk)


def _whole(resampling: Resampling) -> Any:
    return ResamplingOutput(Resampling.objects.with_parts().get(pk=resampling.pk)).data


class Resamplings(ApiView):
    parser_classes = [AnyBytes]
    write_scope = "submit"

    @extend_schema(tags=["evaluations"], responses=ResamplingRow(many=True), operation_id="resamplings_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The sets of folds and refits of a version, newest first."""
        version = get_object_or_404(Version.objects.visible_to(request.user), pk=pk)
        rows = Resampling.objects.filter(version=version).select_related("dataset_version__dataset", "combination")
        return self.page(rows, ResamplingRow, request)

    @extend_schema(
        tags=["evaluations"],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[SHA256],
        responses={201: ResamplingOutput},
        operation_id="resamplings_begin",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Begin a set with the file that `countersign split` wrote, as the raw body; then PUT a checkpoint for each part."""
        version = get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)
        made = services.begin(
            version, stream_body(request, limit=LIMIT), by=request.user, expected=request.headers.get("X-Content-SHA256")
        )
        return Response(_whole(made), status=201)


class ResamplingDetail(ApiView):
    @extend_schema(tags=["evaluations"], responses=ResamplingOutput, operation_id="resamplings_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One set: each part with what was measured on it, and the numbers combined."""
        return Response(ResamplingOutput(_seen(request, pk)).data)


class ResamplingCheckpoint(ApiView):
    parser_classes = [AnyBytes]
    write_scope = "submit"

    @extend_schema(
        tags=["evaluations"],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[SHA256, FILE_NAME],
        responses=ResamplingOutput,
        operation_id="resamplings_send_checkpoint",
    )
    def put(self, request: Request, pk: UUID, number: int) -> Response:
        """Send the checkpoint of one part (numbered from 1) as the raw body."""
        made = services.receive_checkpoint(
            _seen(request, pk),
            number,
            stream_body(request, limit=settings.UPLOAD_LIMIT),
            name=request.headers.get("X-File-Name", ""),
            by=request.user,
            expected=request.headers.get("X-Content-SHA256"),
        )
        return Response(_whole(made))


class ResamplingSubmission(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["evaluations"], request=None, responses=ResamplingOutput, operation_id="resamplings_submit")
    def post(self, request: Request, pk: UUID) -> Response:
        """Fix the set and have each checkpoint measured on the rows that its part holds out."""
        return Response(_whole(services.submit(_seen(request, pk), by=request.user)))
