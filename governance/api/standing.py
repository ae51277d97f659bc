"""Suspending, reviewing again and retiring a version."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance import services
from governance.api.common import version_of
from governance.serializers import reviews as shapes
from governance.serializers.common import EnvironmentNamed
from governance.serializers.environments import ProofInput
from governance.serializers.releases import ReleaseOutput


class NewReviewInput(serializers.Serializer):
    environment = EnvironmentNamed()


class EmergencyInput(ProofInput):
    """A signature: what is shown is what is signed."""

    reason = serializers.CharField(max_length=500)
    seen = serializers.CharField(max_length=71, help_text="`approval.digest` of the review, as you read it.")
    accept = serializers.BooleanField(required=False, help_text="As for sign-offs.")


class RetirementInput(serializers.Serializer):
    reason = serializers.CharField(max_length=2000)


class Suspension(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=ProofInput, responses={204: None}, operation_id="versions_suspend")
    def post(self, request: Request, pk: UUID) -> Response:
        """Take the approval back at once, with a reason and fresh proof of identity; live releases are revoked."""
        services.order_suspension(version_of(request, pk), by=request.user, **self.bind(ProofInput, request))
        return Response(status=204)


class NewReview(ApiView):
    write_scope = "submit"

    @extend_schema(
        tags=["governance"], request=NewReviewInput, responses={201: shapes.ReviewOutput}, operation_id="versions_review_again"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """A new review of an approved or suspended version, under the policy in force now."""
        review = services.ask_for_new_review(version_of(request, pk), by=request.user, **self.bind(NewReviewInput, request))
        return Response(shapes.read(review, request.user), status=201)


class EmergencyRelease(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=EmergencyInput, responses={201: ReleaseOutput}, operation_id="versions_release_in_emergency"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Release it before its signatures are complete, where its policy lets you, for the days that it names."""
        made = services.release_in_emergency(version_of(request, pk), by=request.user, **self.bind(EmergencyInput, request))
        return Response(ReleaseOutput(made).data, status=201)


class Retirement(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=RetirementInput, responses={204: None}, operation_id="versions_retire")
    def post(self, request: Request, pk: UUID) -> Response:
        """End the version's life, for a reason; refused while it is live."""
        services.retire(version_of(request, pk), by=request.user, **self.bind(RetirementInput, request))
        return Response(status=204)
