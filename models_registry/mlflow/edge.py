"""The one view behind every address: who asks, for which team, with what; then the answer or refusal in MLflow's form."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.authentication import get_authorization_header
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.authentication import KeyAuthentication
from accounts.models import Person, Team
from accounts.roles import Scope
from accounts.visibility import teams_visible_to
from core.errors import InvalidInput, Missing, NotAllowed
from core.parsers import StrictJson
from models_registry.mlflow import errors
from models_registry.mlflow.fields import bound
from models_registry.mlflow.operations import Asked, Operation
from tracking.permissions import can_record


class KeyOrPassword(KeyAuthentication):
    """The key as MLFLOW_TRACKING_TOKEN, or as the password beside any user name."""

    def key_in(self, request: Request) -> str | None:
        words = get_authorization_header(request).split()
        if len(words) == 2 and words[0].lower() == b"basic":
            try:
                return base64.b64decode(words[1], validate=True).decode("latin-1").partition(":")[2]
            except (binascii.Error, ValueError):
                return ""
        return super().key_in(request)


class Edge(APIView):
    """One address; `operations` are what it does, by method."""

    authentication_classes = [KeyOrPassword]
    permission_classes = [IsAuthenticated]
    parser_classes = [StrictJson]
    schema = None  # MLflow describes its own shapes; see urls.py
    operations: ClassVar[dict[str, Operation]] = {}

    @property
    def write_scope(self) -> Scope:
        """A search is a POST that only reads, so the scope is the operation's; a method without one does nothing."""
        operation = self.operations.get(self.request.method or "")
        return operation.scope if operation else Scope.READ

    def get_exception_handler(self) -> Callable[..., Any]:
        return errors.answer

    def do(self, request: Request, slug: str = "", **named: str) -> HttpResponseBase:
        operation = self.operations[request.method or ""]
        given = bound(operation.fields, _sent(request, operation, named))
        person = cast("Person", request.user)  # the permission lets nobody else in
        asked = Asked(person, team_of(person, slug), request)
        answer = operation.function(asked, **given)
        if isinstance(answer, HttpResponseBase):
            return answer
        return HttpResponse(json.dumps(answer, allow_nan=False, separators=(",", ":")), content_type="application/json")


def view_of(operations: Iterable[Operation]) -> Callable[..., HttpResponseBase]:
    """The view of one address with its operations."""
    found = {operation.method: operation for operation in operations}
    methods = dict.fromkeys((method.lower() for method in found), Edge.do)
    return type("MlflowEdge", (Edge,), {"operations": found, **methods}).as_view()  # type: ignore[attr-defined] # of APIView


def _sent(request: Request, operation: Operation, named: dict[str, str]) -> Any:
    """What the client sent: the query of a GET, else the JSON body, and what the address names. A file is left unread."""
    if not set(operation.fields) - set(named):
        return named
    if request.method == "GET":
        query = request.query_params.copy()
        query.update(named)
        return query
    body = request.data
    if not isinstance(body, dict):
        raise InvalidInput(_("The body must be a JSON object."))
    return {**body, **named}


def team_of(person: Person, slug: str) -> Team:
    """The team that the tracking URI names (http://host/teams/SLUG), or the only one in which the person may record runs."""
    seen = teams_visible_to(person)
    if slug:
        team = seen.filter(slug=slug).first()
        if team is None:
            raise Missing(_("There is no team %(slug)s, or you may not see it.") % {"slug": slug[:80]})
        return team
    teams = [team for team in seen.order_by("slug") if can_record(person, team)]
    if not teams:
        raise NotAllowed(
            _("You may record runs in no team. To read those of a team, set the tracking URI to %(site)s/teams/TEAM.")
            % {"site": settings.SITE_URL},
            code="no_team",
        )
    if len(teams) > 1:
        raise InvalidInput(
            _("You may record runs in several teams (%(teams)s): set the tracking URI to %(site)s/teams/%(first)s or another.")
            % {"teams": ", ".join(team.slug for team in teams[:10]), "site": settings.SITE_URL, "first": teams[0].slug},
            code="several_teams",
        )
    return teams[0]
