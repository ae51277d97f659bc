"""Delegations: one's own, offering one, and the answer to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Person
from accounts.visibility import teams_listed_for
from core.api import ApiView
from core.errors import InvalidInput
from governance import services
from governance.models import Delegation
from governance.serializers import delegations as shapes

SIDES = {"given": "delegator", "received": "delegate"}


def _row(request: Request, pk: UUID) -> Delegation:
    return get_object_or_404(Delegation.objects.visible_to(request.user).with_parts(), pk=pk)


def _answer(row: Delegation, status: int = 200) -> Response:
    return Response(shapes.DelegationRow(row).data, status=status)


def _says(request_shape: Any, name: str) -> Any:
    return extend_schema(tags=["governance"], request=request_shape, responses=shapes.DelegationRow, operation_id=name)


class Delegations(ApiView):
    write_scope = "govern"
    queries = {"side"}

    @extend_schema(
        tags=["governance"],
        parameters=[OpenApiParameter("side", str, enum=list(SIDES))],
        responses=shapes.DelegationRow(many=True),
        operation_id="delegations_list",
    )
    def get(self, request: Request) -> Response:
        """The delegations that you gave or received (an auditor: all in sight), newest first."""
        rows = Delegation.objects.visible_to(request.user)
        if side := request.query_params.get("side"):
            if side not in SIDES:
                raise InvalidInput(_("The side is one of %(known)s.") % {"known": ", ".join(SIDES)}, code="side")
            rows = rows.filter(**{SIDES[side]: request.user})
        return self.page(rows, shapes.DelegationRow, request)

    @extend_schema(
        tags=["governance"],
        request=shapes.DelegationOffer,
        responses={201: shapes.DelegationRow},
        operation_id="delegations_offer",
    )
    def post(self, request: Request) -> Response:
        """Offer to somebody that they sign reviews on your behalf, proving who you are: a key alone never does."""
        said = self.bind(shapes.DelegationOffer, request)
        to = Person.objects.visible_to(request.user).filter(pk=said.pop("delegate")).first()
        if to is None:
            raise InvalidInput(_("Nobody that you see has this id."), code="delegate", field="delegate")
        key = said.pop("team")
        team = teams_listed_for(request.user).filter(pk=key).first() if key else None
        if key and team is None:
            raise InvalidInput(_("There is no team of yours with this id."), code="team", field="team")
        return _answer(services.offer_delegation(to, by=request.user, team=team, **said), 201)


class DelegationDetail(ApiView):
    @extend_schema(tags=["governance"], responses=shapes.DelegationRow, operation_id="delegations_read")
    def get(self, request: Request, pk: UUID) -> Response:
        """One delegation."""
        return _answer(_row(request, pk))


class DelegationAcceptance(ApiView):
    write_scope = "govern"

    @_says(shapes.DelegationAcceptance, "delegations_accept")
    def post(self, request: Request, pk: UUID) -> Response:
        """Accept what was offered to you, proving who you are: a key alone never does."""
        said = self.bind(shapes.DelegationAcceptance, request)
        return _answer(services.accept_delegation(_row(request, pk), by=request.user, **said))


class DelegationRefusal(ApiView):
    write_scope = "govern"

    @_says(None, "delegations_decline")
    def post(self, request: Request, pk: UUID) -> Response:
        """Decline what was offered to you."""
        return _answer(services.decline_delegation(_row(request, pk), by=request.user))


class DelegationEnd(ApiView):
    write_scope = "govern"

    @_says(None, "delegations_end")
    def post(self, request: Request, pk: UUID) -> Response:
        """End it at once, from either side; what was signed by it stays."""
        return _answer(services.end_delegation(_row(request, pk), by=request.user))
