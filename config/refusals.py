"""What Django itself refuses (unknown address, missing CSRF token, a failure): a page, or a problem where programs ask."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from core.problems import problem_response
from models_registry.mlflow.errors import of_status, speaks_mlflow


def answer(request: HttpRequest, status: int, code: str, title: str, detail: str) -> HttpResponse:
    """The refusal as a page, as a problem where the API was asked, or as MLflow's client reads it."""
    if speaks_mlflow(request.path):
        return of_status(status, detail)
    if request.path.startswith("/api/"):
        return problem_response(request, status, code=code, title=title, detail=detail)
    template = {403: "403.html", 404: "404.html"}.get(status, "500.html")
    response = render(request, template, {"title": title, "detail": detail, "status": status}, status=status)
    if status in {403, 404} and request.headers.get("HX-Request") == "true":
        # Nothing of a whole page fits into the part that asked: the page is opened again, and says the same.
        response["HX-Refresh"] = "true"
    return response


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 400, "unreadable", _("The request could not be read"), _("Check the address and send it again."))


def not_allowed(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    detail = str(exception or "") or _("You may not open this page.")
    return answer(request, 403, "not_allowed", _("Not allowed"), detail)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, 404, "not_found", _("Not found"), _("There is nothing at this address, or you may not see it."))


def failed(request: HttpRequest) -> HttpResponse:
    return answer(
        request,
        500,
        "failed",
        _("Something went wrong"),
        _("It has been logged. Try again; if it stays, tell your administrator."),
    )
