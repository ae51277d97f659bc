"""Which mails one gets."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api import ApiView
from governance.models.mail import MailKind
from governance.services.mail import choose_mails, chosen


class MailChoiceInput(serializers.Serializer):
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=MailKind.choices),
        max_length=len(MailKind),
        help_text="All that you want; may be empty.",
    )


class MailChoiceOutput(MailChoiceInput):
    sends = serializers.BooleanField(help_text="Whether this site has a mail server at all.")


class MyMails(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=MailChoiceOutput, operation_id="my_mails_read")
    def get(self, request: Request) -> Response:
        """Which mails you get, and whether this site sends any."""
        return self._answer(chosen(request.user))

    @extend_schema(tags=["governance"], request=MailChoiceInput, responses=MailChoiceOutput, operation_id="my_mails_choose")
    def put(self, request: Request) -> Response:
        """Choose which mails you get from now on; the inbox has everything whatever you choose."""
        return self._answer(choose_mails(by=request.user, **self.bind(MailChoiceInput, request)).kinds)

    def _answer(self, kinds: list[str]) -> Response:
        return Response({"kinds": kinds, "sends": bool(settings.MAILS)})
