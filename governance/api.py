"""The API's edge for submitting, reviewing, signing, releasing and the gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from core.errors import InvalidInput
from governance import gate, services
from governance import serializers as shapes
from governance.approvals import approval_of
from governance.models import Environment, Policy, Release, Review
from governance.permissions import roles_to_sign
from models_registry.models import RegisteredModel, Version
from models_registry.serializers import CardInput, CardOutput

ENVIRONMENT = OpenApiParameter(
    "environment", str, enum=Environment.values, description="Where it is to run; production if not given."
)
DIGEST = OpenApiParameter("digest", str, required=True, description="sha256:<64 hex> of the checkpoint's bytes.")
OF_MODEL = OpenApiParameter("model", UUID, description="Only as a version of this model, where the same bytes belong to several.")


def _version(request: Request, pk: UUID) -> Version:
    return get_object_or_404(Version.objects.visible_to(request.user).with_parts(), pk=pk)


def _environment(request: Request) -> str:
    given = request.query_params.get("environment", Environment.PRODUCTION)
    if given not in Environment.values:
        raise InvalidInput(
            _("The environment is one of %(names)s.") % {"names": ", ".join(Environment.values)}, code="environment"
        )
    return given


class Submission(ApiView):
    write_scope = "submit"

    @extend_schema(
        tags=["governance"], request=shapes.SubmissionInput, responses={201: shapes.ReviewOutput}, operation_id="versions_submit"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Hand the version in: its parts are fixed, the policy in force is pinned, its bytes are inspected and measured."""
        given = self.bind(shapes.SubmissionInput, request)
        review = services.submit(_version(request, pk), by=request.user, environment=given["environment"])
        return Response(_review(review, request), status=201)


class Withdrawal(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["governance"], request=None, responses={204: None}, operation_id="versions_withdraw")
    def post(self, request: Request, pk: UUID) -> Response:
        """Take the version back before it is decided."""
        services.withdraw(_version(request, pk), by=request.user)
        return Response(status=204)


class CardRevisions(ApiView):
    write_scope = "submit"

    @extend_schema(tags=["versions"], responses=CardOutput(many=True), operation_id="cards_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The revisions of a version's card, newest first."""
        return self.page(_version(request, pk).cards.select_related("author"), CardOutput, request)

    @extend_schema(tags=["versions"], request=CardInput, responses={201: CardOutput}, operation_id="cards_revise")
    def post(self, request: Request, pk: UUID) -> Response:
        """Write a new revision of the card; signatures over the earlier one become stale."""
        given = self.bind(CardInput, request)
        card = services.revise_card(_version(request, pk), given["content"], by=request.user)
        return Response(CardOutput(card).data, status=201)


class ApprovalDetail(ApiView):
    queries = {"environment"}

    @extend_schema(
        tags=["governance"], parameters=[ENVIRONMENT], responses=shapes.ApprovalOutput, operation_id="versions_approval"
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Whether the approval holds now, with every reason why not, the steps and the verdicts behind it."""
        version = _version(request, pk)
        return Response(shapes.approval(version, approval_of(version, _environment(request))))


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
        return Response(_review(get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk), request))


class SignOffs(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.SignOffInput, responses={201: shapes.SignOffOutput}, operation_id="reviews_sign_off"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Sign, proving who you are with your password (and second factor): a key alone never signs."""
        review = get_object_or_404(Review.objects.visible_to(request.user).with_parts(), pk=pk)
        signed = services.sign_off(review, by=request.user, **self.bind(shapes.SignOffInput, request))
        return Response(shapes.SignOffOutput(signed).data, status=201)


class Policies(ApiView):
    queries = {"name"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("name", str, description="Only the numbers of the policy with exactly this name.")],
        responses=shapes.PolicyOutput(many=True),
        operation_id="policies_list",
    )
    def get(self, request: Request) -> Response:
        """The published policies, newest first; `?name=` finds the numbers of one."""
        rows = Policy.objects.filter(state=Policy.State.PUBLISHED)
        if name := request.query_params.get("name"):
            rows = rows.filter(name=name)
        return self.page(rows, shapes.PolicyOutput, request)


class Releases(ApiView):
    write_scope = "govern"
    queries = {"model"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("model", UUID, description="Only releases of this model.")],
        responses=shapes.ReleaseOutput(many=True),
        operation_id="releases_list",
    )
    def get(self, request: Request) -> Response:
        """The releases that you may see, newest first; `?model=` narrows them."""
        rows = Release.objects.visible_to(request.user).select_related("version__model", "released_by")
        if model := request.query_params.get("model"):
            rows = rows.filter(model=shapes.as_uuid(model))
        return self.page(rows, shapes.ReleaseOutput, request)

    @extend_schema(
        tags=["governance"], request=shapes.ReleaseInput, responses={201: shapes.ReleaseOutput}, operation_id="releases_make"
    )
    def post(self, request: Request) -> Response:
        """Make an approved version live in an environment, in place of what is live there."""
        given = self.bind(shapes.ReleaseInput, request)
        made = services.release(_version(request, given["version"]), environment=given["environment"], by=request.user)
        return Response(shapes.ReleaseOutput(made).data, status=201)


class Rollbacks(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"], request=shapes.RollbackInput, responses={201: shapes.ReleaseOutput}, operation_id="models_roll_back"
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Make the latest earlier version whose approval still holds live again."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
        given = self.bind(shapes.RollbackInput, request)
        made = services.roll_back(model, environment=given["environment"], by=request.user, reason=given["reason"])
        return Response(shapes.ReleaseOutput(made).data, status=201)


class Gate(ApiView):
    queries = {"digest", "environment", "model"}

    @extend_schema(
        tags=["governance"], parameters=[DIGEST, ENVIRONMENT, OF_MODEL], responses=shapes.GateOutput, operation_id="gate"
    )
    def get(self, request: Request) -> Response:
        """May exactly these bytes run there? Answered with every reason."""
        digest = shapes.as_digest(request.query_params.get("digest", ""))
        model = request.query_params.get("model")
        asked = gate.answer(digest, _environment(request), asked_by=request.user, model=shapes.as_uuid(model) if model else None)
        return Response(shapes.gate(asked))


def _review(review: Review, request: Request) -> dict[str, Any]:
    review = Review.objects.with_parts().get(pk=review.pk)
    return shapes.review(review, approval_of(review.version, review.environment), roles_to_sign(request.user, review))
