"""Approvals, reviews and signatures."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import InvalidInput
from governance import services
from governance.api.common import ENVIRONMENT, environment_asked, version_of
from governance.approvals import approval_of
from governance.models import Review
from governance.serializers import reviews as shapes
from governance.serializers.signatures import SignOffInput, SignOffOutput, signature_of


class ApprovalDetail(ApiView):
    queries = {"environment"}

    @extend_schema(
        tags=["governance"], parameters=[ENVIRONMENT], responses=shapes.ApprovalOutput, operation_id="versions_approval"
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Whether the approval holds now, with every reason why not, the steps and the verdicts behind it."""
        version = version_of(request, pk)
        return Response(shapes.approval(version, approval_of(version, environment_asked(request))))


class Reviews(ApiView):
    queries = {"waiting"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("waiting", bool, description="Only those that wait for your signature.")],
        responses=shapes.ReviewRow(many=True),
        operation_id="reviews_list",
    )
    def get(self, request: Request) -> Response:
        """The reviews that you may see, newest first."""
        rows = Review.objects.visible_to(request.user).with_parts()
        waiting = request.query_params.get("waiting", "false")
        if waiting not in {"true", "false"}:
            raise InvalidInput("waiting is true or false.", code="waiting")
        if waiting == "true":
            rows = rows.signable_by(request.user)
        return self.page(rows, shapes.ReviewRow, request)


class ReviewDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.ReviewOutput, operation_id="reviews_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One review: its steps, who signed what, and the digest that a signature given now would stand for."""
        return Response(shapes.read(get_object_or_404(Review.objects.visible_to(request.user), pk=pk), request.user))


class SignOffs(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=SignOffInput, responses={201: SignOffOutput}, operation_id="reviews_sign_off")
    def post(self, request: Request, pk: UUID) -> Response:
        """Sign, proving who you are with your password (and second factor): a key alone never signs."""
        review = get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk)
        given = signature_of(self.bind(SignOffInput, request), request.user)
        signed = services.sign_off(review, by=request.user, **given)
        return Response(SignOffOutput(signed).data, status=201)
