"""Logs: one JSON object a line, with the id of the request that caused it, through web and worker."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from core.ids import uuid7

request_id: ContextVar[str] = ContextVar("request_id", default="")
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")


@contextmanager
def on_behalf_of(request: str) -> Iterator[None]:
    """Log lines and events inside carry the id of the request that asked for this work; where it is empty, the one in force."""
    token = request_id.set(request or request_id.get())
    try:
        yield
    finally:
        request_id.reset(token)


class OneJsonObject(logging.Formatter):
    """Never arguments of a request, bodies or headers: what is not written cannot leak."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _message(record: logging.LogRecord) -> str:
    """Its text with its arguments, or without them where they do not fit: a mistake in a log call costs no line."""
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


class RequestIdMiddleware:
    """Takes the caller's X-Request-ID where it is harmless, else makes one; answers with it; writes one line a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.log = logging.getLogger("countersign.requests")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        offered = request.headers.get("X-Request-ID", "")
        token = request_id.set(offered if _ACCEPTED.match(offered) else str(uuid7()))
        begun = time.monotonic()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            facts = {"method": request.method, "path": request.path, "status": response.status_code}
            facts["milliseconds"] = round((time.monotonic() - begun) * 1000)
            self.log.info("request", extra={"facts": facts})
            return response
        finally:
            request_id.reset(token)
