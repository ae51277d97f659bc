"""The styleguide (every component in every state, with made-up content), and the search over everything."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required  # type: ignore[attr-defined]  # newer than django-types
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import searching
from core.components.specimens import specimens


@require_safe
@login_not_required  # it shows nothing of the site's content, and the accessibility test opens it
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", specimens())


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What the reader may see that goes by the words they wrote, kind by kind."""
    words = " ".join(request.GET.get("q", "").replace("\0", "").split())
    short, long = len(words) < searching.SHORTEST, len(words) > searching.LONGEST
    groups = [] if short or long else searching.search(request.user, words)
    context = {"words": words[: searching.LONGEST], "short": short, "long": long, "groups": groups, "most": searching.MOST}
    return render(request, "search.html", context)
