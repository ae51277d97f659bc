"""The OpenAPI description, and a readable page made from it, without any script."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from config.description import Operation, description, operations, problem_codes
from core.api import ApiView
from core.openapi import MEANINGS
from core.problems import problem_response


class Schema(ApiView):
    """The description itself."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """The OpenAPI 3.1 document of this API, as JSON."""
        return Response(description())


@login_not_required
def docs(request: HttpRequest) -> HttpResponse:
    """Each operation with its parameters, its input and its answer, by the part of the house that it belongs to."""
    if request.method not in {"GET", "HEAD"}:
        refusal = problem_response(
            request, 405, code="method_not_allowed", title=_("Method not allowed"), detail=_("This page is only read.")
        )
        refusal["Allow"] = "GET, HEAD"
        return refusal
    groups: dict[str, list[Operation]] = {}
    for one in operations():
        groups.setdefault(one.group, []).append(one)
    facts = {"groups": dict(sorted(groups.items())), "codes": problem_codes(), "meanings": MEANINGS}
    return render(request, "config/api_docs.html", facts)
