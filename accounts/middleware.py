"""What a request learns from who is signed in."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Person


class ReadersZone:
    """Shows times in the reader's own zone; they are stored and hashed in UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        reader = request.user
        if not isinstance(reader, Person):  # nobody is signed in
            return self.get_response(request)
        with timezone.override(reader.zone):
            return self.get_response(request)


class KeptByNobody:
    """What was answered to somebody who is known stays in no cache, of a proxy or of a browser that others use later; a view
    that knows better says so itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        known = isinstance(request.user, Person) or "Authorization" in request.headers
        if known and not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response
