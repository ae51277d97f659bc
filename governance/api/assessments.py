"""Risk assessments, and the method by which they are made."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance import services
from governance.assessing import METHOD
from governance.models import RiskAssessment
from governance.serializers import assessments as shapes
from models_registry.models import RegisteredModel


class RiskMethod(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.RiskMethodOutput, operation_id="risk_method_read")
    def get(self, request: Request) -> Response:
        """The method by which risk is assessed: its questions, weights, thresholds, and what the law demands."""
        questions = {
            one.key: {"asks": str(one.asks), "answers": [str(words) for words in one.levels]} for one in METHOD.factors
        } | {
            law.key: {"asks": str(law.asks), "answers": {use: str(words) for use, words in law.uses.items()}}
            for law in METHOD.regulations
        }
        return Response({"version": METHOD.version, "digest": METHOD.digest, "method": METHOD.data(), "questions": questions})


class RiskAssessments(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["governance"], responses=shapes.RiskAssessmentOutput(many=True), operation_id="risk_assessments_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The risk assessments of a model, newest first."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
        return self.page(RiskAssessment.objects.filter(model=model).with_parts(), shapes.RiskAssessmentOutput, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.RiskAssessmentInput,
        responses={201: shapes.RiskAssessmentOutput},
        operation_id="risk_assessments_make",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Assess the model's risk; the tier follows once somebody else activates it."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user).select_related("team"), pk=pk)
        made = services.assess_risk(model, by=request.user, **self.bind(shapes.RiskAssessmentInput, request))
        return Response(shapes.RiskAssessmentOutput(made).data, status=201)


class RiskAssessmentDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.RiskAssessmentOutput, operation_id="risk_assessments_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One risk assessment with its answers and its result."""
        found = get_object_or_404(RiskAssessment.objects.visible_to(request.user).with_parts(), pk=pk)
        return Response(shapes.RiskAssessmentOutput(found).data)


class RiskActivation(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"],
        request=shapes.RiskActivationInput,
        responses=shapes.RiskAssessmentOutput,
        operation_id="risk_assessments_activate",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Put the assessment into force: it says its model's tier, or the one given with a reason."""
        found = get_object_or_404(RiskAssessment.objects.visible_to(request.user).with_parts(), pk=pk)
        given = self.bind(shapes.RiskActivationInput, request)
        return Response(shapes.RiskAssessmentOutput(services.activate_assessment(found, by=request.user, **given)).data)
