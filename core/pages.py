"""Answers of page views: a whole page, or the partial of the same file that htmx swaps."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render


def render_page_or_fragment(
    request: HttpRequest, template: str, partial: str | None, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The page, or its named partial when htmx asked for it, so that page and fragment cannot drift apart."""
    wants_fragment = partial and request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"
    response = render(request, f"{template}#{partial}" if wants_fragment else template, context, status=status)
    response["Vary"] = "HX-Request"
    return response


def see_other(request: HttpRequest, where: Any) -> HttpResponse:
    """303 to the thing's page (after a POST), or htmx's own redirect."""
    url = where if isinstance(where, str) else where.get_absolute_url()
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response
