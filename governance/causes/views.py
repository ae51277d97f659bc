"""The page that lists what changed between two versions of a model."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.causes.sections import approved_before, sections_of
from models_registry.models import Version
from models_registry.pages import shell, visible_version

MOST = 100  # versions to choose from, the newest


@require_safe
def changes(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What changed since another version; since the one approved last before it, if none is named."""
    version = visible_version(request, pk)
    before = _since(version, request.GET["since"]) if request.GET.get("since") else approved_before(version)
    others = Version.objects.of(version.model).exclude(pk=version.pk).select_related("model")[:MOST]
    context = {
        **shell(version),
        "before": before,
        "others": others,
        "sections": sections_of(before, version) if before else [],
    }
    return render(request, "governance/changes.html", context)


def _since(version: Version, given: str) -> Version:
    """The other version, of the same model."""
    try:
        other = UUID(given)
    except ValueError as error:
        raise Http404 from error
    found = Version.objects.of(version.model).with_parts().filter(pk=other).first()
    if found is None:
        raise Http404
    return found
