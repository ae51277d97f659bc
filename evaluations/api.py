"""The API's edge for evaluation runs: a submission asks for them; people read them, call them off and repeat them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import blobs
from core.api import ApiView
from core.errors import Missing
from evaluations.catalogue import CheckKind, catalogue
from evaluations.holdouts import marks_of
from evaluations.models import EvaluationRun, Metric, Suite
from evaluations.permissions import can_take_predictions
from evaluations.repeats import agreement_of
from evaluations.services import cancel_run, repeat_run, verdict_of
from models_registry.models import Version


class MetricOutput(serializers.ModelSerializer):
    check_name = serializers.CharField(help_text="The check that measured it.")

    class Meta:
        model = Metric
        fields = ["check_name", "name", "label", "value", "low", "high", "confidence", "method", "n", "unit"]


class CheckVerdictOutput(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=["passed", "failed", "inconclusive", "errored", "not_run"])
    sentence = serializers.CharField()
    threshold = serializers.DictField()
    rows_needed = serializers.IntegerField(allow_null=True, help_text="How many rows would settle an inconclusive check.")


class DifferenceOutput(serializers.Serializer):
    title = serializers.CharField()
    first = serializers.FloatField(allow_null=True)
    second = serializers.FloatField(allow_null=True)
    unit = serializers.CharField()
    beyond = serializers.BooleanField(help_text="Whether it differs by more than the tolerance.")


class AgreementOutput(serializers.Serializer):
    outcome = serializers.ChoiceField(choices=["same", "within", "beyond"])
    sentence = serializers.CharField()
    compared = serializers.IntegerField(help_text="How many numbers were compared; times and memory are not.")
    tolerance = serializers.FloatField()
    differences = DifferenceOutput(many=True)
    conditions = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField()), help_text="[what, there, here] of what was not the same."
    )


class MarkOutput(serializers.Serializer):
    verified = serializers.BooleanField()
    contaminated = serializers.BooleanField(help_text="Whether the model learned from the rows that it is measured on.")
    reasons = serializers.ListField(child=serializers.CharField())
    nth = serializers.IntegerField(help_text="The place of this measurement among all on these bytes; 0 before it began.")
    measured = serializers.IntegerField(help_text="How many measurements on these bytes there were.")


class CheckKindOutput(serializers.Serializer):
    name = serializers.CharField()
    says = serializers.CharField(help_text="What it measures.")
    tasks = serializers.SerializerMethodField(help_text="The tasks that it can measure.")
    parameters = serializers.DictField(child=serializers.CharField(), help_text="Each with its default.")

    def get_tasks(self, kind: CheckKind) -> list[str]:
        return sorted(kind.tasks)


class SuiteOutput(serializers.ModelSerializer):
    checks = serializers.ListField(child=serializers.DictField(), help_text="Each a name with parameters.")

    class Meta:
        model = Suite
        fields = ["id", "name", "number", "checks", "digest"]


class EvaluationRow(serializers.ModelSerializer):
    suite = serializers.CharField(source="suite.__str__")
    data = serializers.CharField(source="dataset_version.__str__")  # type: ignore[assignment]  # a field with the name of DRF's property
    policy = serializers.DictField(source="policy_ref")
    repeats = serializers.UUIDField(
        source="repeats_id", allow_null=True, help_text="The run that this one repeats and stands beside."
    )
    asked_by = serializers.UUIDField(source="asked_by_id", allow_null=True, help_text="Whose turn in the queue it takes.")
    progress = serializers.DictField(help_text="stage, done, total (rows), rate (rows a second), left (seconds), at.")

    class Meta:
        model = EvaluationRun
        fields = [
            "id",
            "state",
            "suite",
            "data",
            "policy",
            "error",
            "queued_at",
            "started_at",
            "finished_at",
            "attempt",
            "asked_by",
            "repeats",
            "progress",
        ]


class EvaluationOutput(EvaluationRow):
    verdict = serializers.SerializerMethodField(help_text="passed, failed or inconclusive; computed from numbers and thresholds.")
    checks = serializers.SerializerMethodField()
    metrics = MetricOutput(many=True)
    verified = serializers.SerializerMethodField(help_text="Whether it was measured on a hold-out, of a model that never saw it.")
    agreement = serializers.SerializerMethodField(help_text="Of a completed repeat: how it lies to the run that it repeats.")
    inputs = serializers.DictField(help_text="What it was given beside checkpoint and data, or why it was not.")
    recipe = serializers.DictField(help_text="Seed, threads, batch, device, and the code that measured.")

    class Meta(EvaluationRow.Meta):
        fields = [
            *EvaluationRow.Meta.fields,
            "verdict",
            "checks",
            "metrics",
            "thresholds",
            "facts",
            "reference",
            "sandbox",
            "limits",
            "results_digest",
            "predictions_digest",
            "predictions_size",
            "inputs",
            "recipe",
            "tolerance",
            "verified",
            "agreement",
        ]

    @extend_schema_field(MarkOutput)
    def get_verified(self, run: EvaluationRun) -> dict[str, Any]:
        return MarkOutput(marks_of([run])[run.pk]).data

    @extend_schema_field(AgreementOutput(allow_null=True))
    def get_agreement(self, run: EvaluationRun) -> dict[str, Any] | None:
        if run.repeats is None or run.state != EvaluationRun.State.COMPLETED:
            return None
        return AgreementOutput(agreement_of(run.repeats, run)).data

    def get_verdict(self, run: EvaluationRun) -> str:
        return verdict_of(run).outcome

    def get_checks(self, run: EvaluationRun) -> list[dict[str, Any]]:
        return list(CheckVerdictOutput(verdict_of(run).checks, many=True).data)


class Runs(ApiView):
    @extend_schema(tags=["evaluations"], responses=EvaluationRow(many=True), operation_id="evaluations_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The evaluation runs of a version, newest first."""
        version = get_object_or_404(Version.objects.visible_to(request.user), pk=pk)
        rows = EvaluationRun.objects.filter(version=version).select_related("suite", "dataset_version__dataset")
        return self.page(rows, EvaluationRow, request)


class RunDetail(ApiView):
    @extend_schema(tags=["evaluations"], responses=EvaluationOutput, operation_id="evaluations_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One run with every number, its interval and sample size, and its verdict under the thresholds fixed before it ran."""
        run = get_object_or_404(
            EvaluationRun.objects.visible_to(request.user).with_results().prefetch_related("repeats__metrics"), pk=pk
        )
        return Response(EvaluationOutput(run).data)


class Cancellation(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["evaluations"], request=None, responses=EvaluationRow, operation_id="evaluations_cancel")
    def post(self, request: Request, pk: UUID) -> Response:
        """Call the run off while it waits or runs; what runs is killed within seconds, with everything it started."""
        return Response(EvaluationRow(_row(cancel_run(_visible(request, pk), by=request.user))).data)


class Repeats(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["evaluations"], request=None, responses={201: EvaluationRow}, operation_id="evaluations_repeat")
    def post(self, request: Request, pk: UUID) -> Response:
        """Measure once more: beside a completed run (a validator), or instead of one that was not finished."""
        return Response(EvaluationRow(_row(repeat_run(_visible(request, pk), by=request.user))).data, status=201)


class Predictions(ApiView):
    @extend_schema(
        tags=["evaluations"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
        operation_id="evaluations_fetch_predictions",
    )
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """The model's answers to every row, as safetensors."""
        run = _visible(request, pk)
        can_take_predictions(request.user, run).enforce()
        if not run.predictions_digest:
            raise Missing(_("No predictions were kept of this run."))
        answer = StreamingHttpResponse(blobs.stream(run.predictions_digest), content_type="application/octet-stream")
        answer["Content-Length"] = str(run.predictions_size)
        answer["X-Content-SHA256"] = run.predictions_digest
        name = f"{run.version.model.name}-v{run.version.number}-predictions.safetensors"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


class Checks(ApiView):
    @extend_schema(tags=["evaluations"], responses=CheckKindOutput(many=True), operation_id="checks_list")
    def get(self, request: Request) -> Response:
        """The checks that a suite may name, with what each measures; all on one page, because the code knows them all."""
        kinds = sorted(catalogue().values(), key=lambda kind: kind.name)
        return Response({"next": None, "previous": None, "results": CheckKindOutput(kinds, many=True).data})


class Suites(ApiView):
    @extend_schema(tags=["evaluations"], responses=SuiteOutput(many=True), operation_id="suites_list")
    def get(self, request: Request) -> Response:
        """The suites that were ever asked for, newest first; what a policy will ask for stands in the policy."""
        return self.page(Suite.objects.all(), SuiteOutput, request)


def _visible(request: Request, pk: UUID) -> EvaluationRun:
    rows = EvaluationRun.objects.visible_to(request.user).select_related("version__model__team")
    return get_object_or_404(rows, pk=pk)


def _row(run: EvaluationRun) -> EvaluationRun:
    return EvaluationRun.objects.select_related("suite", "dataset_version__dataset").get(pk=run.pk)
