"""Submitting, withdrawing, revising the card."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance import services
from governance.api.common import version_of
from governance.serializers import reviews as shapes
from models_registry.serializers import CardInput, CardOutput


class Submission(ApiView):
    write_scope = "submit"

    @extend_schema(
        tags=["governance"], request=shapes.SubmissionInput, responses={201: shapes.ReviewOutput}, operation_id="versions_submit"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Hand the version in: its parts are fixed, the policy in force is pinned, its bytes are inspected and measured."""
        given = self.bind(shapes.SubmissionInput, request)
        review = services.submit(version_of(request, pk), by=request.user, environment=given["environment"])
        return Response(shapes.read(review, request.user), status=201)


class Withdrawal(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["governance"], request=None, responses={204: None}, operation_id="versions_withdraw")
    def post(self, request: Request, pk: UUID) -> Response:
        """Take the version back before it is decided."""
        services.withdraw(version_of(request, pk), by=request.user)
        return Response(status=204)


class CardRevisions(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["versions"], responses=CardOutput(many=True), operation_id="cards_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The revisions of a version's card, newest first."""
        return self.page(version_of(request, pk).cards.select_related("author"), CardOutput, request)

    @extend_schema(tags=["versions"], request=CardInput, responses={201: CardOutput}, operation_id="cards_revise")
    def post(self, request: Request, pk: UUID) -> Response:
        """Write a new revision of the card; signatures over the earlier one become stale."""
        given = self.bind(CardInput, request)
        card = services.revise_card(version_of(request, pk), given["content"], by=request.user)
        return Response(CardOutput(card).data, status=201)
