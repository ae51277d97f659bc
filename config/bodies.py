"""How much may be sent to an address, asked before anything of it is read.

Django keeps the files of a form on disk as they arrive, as soon as the token of the form is looked for: before it is known
who sends them, and without a limit. So a stranger could fill the disk by way of the sign-in form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from config.refusals import answer

# read in chunks by the view, which knows the sender and has a limit
STREAMS = {"api-checkpoint", "api-evidence-upload", "api-dataset-content", "api-run-artifact", "mlflow-artifacts-artifacts-one"}
STRANGERS = {"audit:verify"}  # takes a file from anybody; the view has a limit and looks at it first itself
# take files of those who are signed in
FILES = {"governance:submit", "governance:finish", "governance:evidence", "governance:report_condition"}


class SmallBodies:
    """Turns away a body that is announced as larger than its address takes. Stands before whatever reads the body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        announced = request.META.get("CONTENT_LENGTH") or "0"
        most = _most(request)
        if most is None or not announced.isdigit() or int(announced) <= most:
            return None
        detail = _("At most %(most)s bytes can be sent here.") % {"most": f"{most:,}"}
        return answer(request, 413, "too_large", _("The body is too large"), detail)


def _most(request: HttpRequest) -> int | None:
    """The limit for this request in bytes; None where the view has its own."""
    route = request.resolver_match.view_name if request.resolver_match else ""
    if route in STREAMS | STRANGERS:
        return None
    fields = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return settings.UPLOAD_LIMIT + fields if route in FILES and SESSION_KEY in request.session else fields
