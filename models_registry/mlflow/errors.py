"""Refusals in MLflow's form, `{"error_code", "message"}`, with the status that its client expects for each code."""

from __future__ import annotations

import logging
import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.views import set_rollback

from core.errors import DomainError

_ADDRESS = re.compile(r"/(teams/[^/]+/)?api/[23]\.0/")
log = logging.getLogger(__name__)

STATUS = {
    "BAD_REQUEST": 400,
    "INVALID_PARAMETER_VALUE": 400,
    "RESOURCE_ALREADY_EXISTS": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_DOES_NOT_EXIST": 404,
    "ENDPOINT_NOT_FOUND": 404,
    "RESOURCE_CONFLICT": 409,
    "REQUEST_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
    "TEMPORARILY_UNAVAILABLE": 503,
}
# MLflow has no code for 413 and 422: to its client both are values that cannot be taken.
CODE_OF = {
    400: "BAD_REQUEST",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "ENDPOINT_NOT_FOUND",
    409: "RESOURCE_CONFLICT",
    413: "INVALID_PARAMETER_VALUE",
    415: "BAD_REQUEST",
    422: "INVALID_PARAMETER_VALUE",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}
# A name that is taken is what `set_experiment` and `register_model` go on from; another value of a parameter is a wrong value.
CODE_OF_REFUSAL = {"name_taken": "RESOURCE_ALREADY_EXISTS", "param_set": "INVALID_PARAMETER_VALUE"}


class NotServed(DomainError):
    """Nothing is done here; MLflow's client then takes another way, where it has one."""

    status = 501


class NoSuchEndpoint(DomainError):
    """An operation of MLflow that is not spoken here."""

    status = 404


def refusal(code: str, message: str) -> JsonResponse:
    return JsonResponse({"error_code": code, "message": message}, status=STATUS[code])


def answer(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """The refusal as MLflow's client reads it; what is not foreseen is left to Django, which logs it."""
    found = _code_and_message(error)
    if found is None:
        return None
    set_rollback()
    response = refusal(*found)
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = str(challenge)
    if isinstance(error, DomainError) and "retry_after" in error.facts:
        response["Retry-After"] = str(error.facts["retry_after"])
    return response


def speaks_mlflow(path: str) -> bool:
    """Whether an address is one of MLflow's."""
    return _ADDRESS.match(path) is not None


def of_status(status: int, detail: str) -> JsonResponse:
    """What is refused outside the view: a body that is too large, a failure."""
    return refusal(CODE_OF.get(status, "INTERNAL_ERROR"), detail)


def _code_and_message(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, NoSuchEndpoint):
        return "ENDPOINT_NOT_FOUND", str(error)
    if isinstance(error, NotServed):
        return "NOT_IMPLEMENTED", str(error)
    if isinstance(error, DomainError):
        return CODE_OF_REFUSAL.get(error.code) or CODE_OF[error.status], str(error)
    if isinstance(error, Http404):
        return "RESOURCE_DOES_NOT_EXIST", _("There is nothing here, or you may not see it.")
    if isinstance(error, PermissionDenied):
        return "PERMISSION_DENIED", str(error) or _("You may not do this.")
    if isinstance(error, UnreadablePostError):
        return "BAD_REQUEST", _("The body ended before its end.")
    if isinstance(error, DataError):  # a net under the checks of each field: a value that no column can hold
        log.warning("A value reached the database that it cannot hold: %s", type(error).__name__)
        return "INVALID_PARAMETER_VALUE", _("A value is beyond what can be kept.")
    if isinstance(error, exceptions.APIException):
        detail = str(error.detail) if not isinstance(error.detail, dict | list) else str(error.default_detail)
        return CODE_OF.get(error.status_code, "BAD_REQUEST"), detail
    return None
