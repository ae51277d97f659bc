"""The record of one signature, and the signature taken back."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance import services
from governance.downloads import record_file
from governance.models import SignOff
from governance.serializers import signatures as shapes


def _signature(request: Request, pk: UUID) -> SignOff:
    return get_object_or_404(SignOff.objects.visible_to(request.user).with_parts(), pk=pk)


class SignatureRecord(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.RecordOutput, operation_id="sign_offs_record")
    def get(self, request: Request, pk: UUID) -> HttpResponse:
        """The signature record: a DSSE envelope, with the personal values that were not erased beside it."""
        return record_file(_signature(request, pk))


class SignatureWithdrawal(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=shapes.WithdrawalInput, responses={204: None}, operation_id="sign_offs_withdraw")
    def post(self, request: Request, pk: UUID) -> Response:
        """Take your own signature back while its step is open; it stays on record and no longer counts."""
        services.withdraw_signature(_signature(request, pk), by=request.user, **self.bind(shapes.WithdrawalInput, request))
        return Response(status=204)
