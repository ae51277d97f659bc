"""Webhooks: who outside is told what happens."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team
from accounts.visibility import teams_listed_for
from core.api import ApiView
from governance import services
from governance.models import Webhook
from governance.serializers import webhooks as shapes


class Webhooks(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], responses=shapes.WebhookOutput(many=True), operation_id="webhooks_list")
    def get(self, request: Request) -> Response:
        """The webhooks that you manage, newest first."""
        return self.page(Webhook.objects.visible_to(request.user), shapes.WebhookOutput, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.WebhookInput,
        responses={201: shapes.WebhookMadeOutput},
        operation_id="webhooks_make",
    )
    def post(self, request: Request) -> Response:
        """Have an address told of what happens from now on. The answer holds the secret, this once."""
        given = self.bind(shapes.WebhookInput, request)
        teams = teams_listed_for(request.user)
        team: Team | None = get_object_or_404(teams, pk=given["team"]) if given["team"] else None
        made, secret = services.make_webhook(team=team, url=given["url"], kinds=given["kinds"], by=request.user)
        shown = shapes.WebhookOutput(made).data | {"signing_key": secret}
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})


class WebhookDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.WebhookOutput, operation_id="webhooks_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One webhook."""
        return Response(shapes.WebhookOutput(_visible(request, pk)).data)


class Deliveries(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.DeliveryOutput(many=True), operation_id="webhooks_deliveries")
    def get(self, request: Request, pk: UUID) -> Response:
        """What came of each attempt of the last thirty days, newest first."""
        return self.page(_visible(request, pk).deliveries.all(), shapes.DeliveryOutput, request)


class Tests(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=None, responses={202: shapes.WebhookOutput}, operation_id="webhooks_test")
    def post(self, request: Request, pk: UUID) -> Response:
        """Have a worker send a test; its outcome stands among the deliveries."""
        return _done(request, pk, services.test_webhook, status=202)


class Stop(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=None, responses=shapes.WebhookOutput, operation_id="webhooks_stop")
    def post(self, request: Request, pk: UUID) -> Response:
        """Tell the address nothing any more."""
        return _done(request, pk, services.stop_webhook)


class Start(ApiView):
    write_scope = "govern"

    @extend_schema(tags=["governance"], request=None, responses=shapes.WebhookOutput, operation_id="webhooks_start")
    def post(self, request: Request, pk: UUID) -> Response:
        """Tell the address again, of what happens from now on."""
        return _done(request, pk, services.start_webhook)


def _done(request: Request, pk: UUID, deed: Callable[..., None], *, status: int = 200) -> Response:
    webhook = _visible(request, pk)
    deed(webhook, by=request.user)
    return Response(shapes.WebhookOutput(webhook).data, status=status)


def _visible(request: Request, pk: UUID) -> Webhook:
    return get_object_or_404(Webhook.objects.visible_to(request.user).select_related("team"), pk=pk)
