"""The styleguide: every component in every state, with made-up content."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required  # type: ignore[attr-defined]  # newer than django-types
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.components.specimens import specimens


@require_safe
@login_not_required  # it shows nothing of the site's content, and the accessibility test opens it
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", specimens())
