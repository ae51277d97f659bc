"""RFC 9457 problem details: the one place that turns refusals of the API into answers."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from core.errors import DomainError

log = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


def problem(status: int, *, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    """The members of a problem; `type` is a stable relative reference into the API documentation."""
    return {"type": f"/api/v1/docs/#problem-{code}", "title": title, "status": status, "code": code, "detail": detail, **more}


def _from_drf(error: exceptions.APIException) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return problem(
            422,
            code="invalid_input",
            title=_("The input is not valid"),
            detail=_("Correct the fields named in errors and send the request again."),
            errors=error.get_full_details(),
        )
    if isinstance(error, exceptions.ParseError):
        return problem(400, code="unreadable", title=_("The request could not be read"), detail=str(error.detail))
    detail = str(error.detail) if not isinstance(error.detail, dict | list) else error.default_detail
    code = error.default_code
    return problem(error.status_code, code=str(code), title=str(error.default_detail).rstrip("."), detail=str(detail))


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: refusals become problems; what is not foreseen is left to Django (and logged)."""
    headers: dict[str, str] = {}
    if isinstance(error, DomainError):
        body = problem(error.status, code=error.code, title=str(error.title), detail=str(error), **error.facts)
        if "retry_after" in error.facts:
            headers["Retry-After"] = str(error.facts["retry_after"])
    elif isinstance(error, Http404):
        body = problem(404, code="not_found", title=_("Not found"), detail=_("There is nothing here, or you may not see it."))
    elif isinstance(error, PermissionDenied):
        body = problem(403, code="not_allowed", title=_("Not allowed"), detail=str(error) or _("You may not do this."))
    elif isinstance(error, UnreadablePostError):
        body = problem(
            400, code="unreadable", title=_("The request could not be read"), detail=_("The body ended before its end.")
        )
    elif isinstance(error, DataError):  # a net under the checks of each field: a value that no column can hold
        log.warning("A value reached the database that it cannot hold: %s", type(error).__name__)
        body = problem(
            422, code="invalid_input", title=_("The input is not valid"), detail=_("A value is beyond what can be kept.")
        )
    elif isinstance(error, exceptions.APIException):
        body = _from_drf(error)
        if challenge := getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = str(challenge)
        if wait := getattr(error, "wait", None):
            headers["Retry-After"] = f"{wait:.0f}"
    else:
        return None
    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def problem_response(request: HttpRequest, status: int, *, code: str, title: str, detail: str) -> JsonResponse:
    """The same form for answers that are given outside DRF (unknown address, failure)."""
    return JsonResponse(problem(status, code=code, title=title, detail=detail), status=status, content_type=CONTENT_TYPE)
