"""Change envelopes: drafted, signed, ended, and what was decided by them."""

from __future__ import annotations

from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance import services
from governance.change_envelopes.measuring import live_in
from governance.models import ChangeEnvelope, EnvelopeDecision
from governance.serializers import change_envelopes as shapes
from models_registry.models import RegisteredModel


def _envelope(request: Request, pk: UUID) -> ChangeEnvelope:
    rows = ChangeEnvelope.objects.visible_to(request.user).with_parts().prefetch_related("signatures")
    return get_object_or_404(rows, pk=pk)


class ChangeEnvelopes(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.ChangeEnvelopeOutput(many=True), operation_id="change_envelopes_list")
    def get(self, request: Request, pk: UUID) -> Response:
        """The change envelopes of a model, newest first."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
        return self.page(ChangeEnvelope.objects.filter(model=model).with_parts(), shapes.ChangeEnvelopeOutput, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.ChangeEnvelopeInput,
        responses={201: shapes.ChangeEnvelopeWhole},
        operation_id="change_envelopes_draft",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Draft one: its baseline is the version that is live in the environment. Nothing is allowed before it is signed."""
        model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), pk=pk)
        given = self.bind(shapes.ChangeEnvelopeInput, request)
        made = services.draft_envelope(live_in(model, given["environment"]), by=request.user, **given)
        return Response(shapes.ChangeEnvelopeWhole(_envelope(request, made.pk)).data, status=201)


class ChangeEnvelopeDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.ChangeEnvelopeWhole, operation_id="change_envelopes_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One envelope: its limits, also in words, its signatures, and how often it was used."""
        return Response(shapes.ChangeEnvelopeWhole(_envelope(request, pk)).data)


class ChangeEnvelopeSignatures(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"],
        request=shapes.ChangeEnvelopeSigningInput,
        responses={201: shapes.ChangeEnvelopeSignatureOutput},
        operation_id="change_envelopes_sign",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Sign exactly the envelope that `seen` names, with fresh proof of identity; the last signature puts it in force."""
        given = self.bind(shapes.ChangeEnvelopeSigningInput, request)
        signed = services.sign_envelope(_envelope(request, pk), by=request.user, **given)
        return Response(shapes.ChangeEnvelopeSignatureOutput(signed).data, status=201)


class ChangeEnvelopeWithdrawal(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"],
        request=shapes.ChangeEnvelopeReason,
        responses=shapes.ChangeEnvelopeOutput,
        operation_id="change_envelopes_withdraw",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Take a draft back before it is in force."""
        given = self.bind(shapes.ChangeEnvelopeReason, request)
        ended = services.withdraw_envelope(_envelope(request, pk), by=request.user, **given)
        return Response(shapes.ChangeEnvelopeOutput(ended).data)


class ChangeEnvelopeRevocation(ApiView):
    write_scope = "govern"

    @extend_schema(
        tags=["governance"],
        request=shapes.ChangeEnvelopeRevocationInput,
        responses=shapes.ChangeEnvelopeOutput,
        operation_id="change_envelopes_revoke",
    )
    def post(self, request: Request, pk: UUID) -> Response:
        """Nothing more is released under it; what was released stays until it is suspended."""
        given = self.bind(shapes.ChangeEnvelopeRevocationInput, request)
        ended = services.revoke_envelope(_envelope(request, pk), by=request.user, **given)
        return Response(shapes.ChangeEnvelopeOutput(ended).data)


class ChangeEnvelopeDecisions(ApiView):
    @extend_schema(
        tags=["governance"],
        responses=shapes.EnvelopeDecisionOutput(many=True),
        operation_id="change_envelopes_decisions",
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """What was decided by it, newest first: each version with every limit and its figures."""
        rows = EnvelopeDecision.objects.filter(envelope=_envelope(request, pk)).select_related("version__model")
        return self.page(rows, shapes.EnvelopeDecisionOutput, request)
