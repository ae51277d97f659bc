"""Pages about data: what there is, what each version is, and what is known of personal data in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST, require_safe

from core.errors import DomainError, NotAllowed
from core.pages import see_other
from core.paging import page_by_key
from data_registry import coverage, lineage, locations, provenance, services
from data_registry.models import Dataset, DatasetVersion, Profile
from data_registry.parts import version_parts
from data_registry.uses import USES

MOST_FINDINGS = 200
MOST_STEPS = 100


@require_safe
def dataset_list(request: HttpRequest) -> HttpResponse:
    """The datasets that the person sees, each with its latest version."""
    latest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number")
    datasets = (
        Dataset.objects.visible_to(request.user)
        .select_related("team")
        .annotate(latest_number=Subquery(latest.values("number")[:1]), latest_state=Subquery(latest.values("state")[:1]))
    )
    return render(request, "data_registry/dataset_list.html", {"page": page_by_key(request, datasets)})


@require_safe
def dataset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One dataset with its versions."""
    found = get_object_or_404(Dataset.objects.visible_to(request.user).select_related("team", "created_by"), pk=pk)
    page = page_by_key(request, found.versions.named().select_related("created_by"))
    return render(request, "data_registry/dataset.html", {"dataset": found, "page": page})


@require_safe
def dataset_version(request: HttpRequest, pk: UUID, number: int) -> HttpResponse:
    """One version: facts, provenance, personal data with what was not checked, lineage, and who uses it."""
    versions = DatasetVersion.objects.visible_to(request.user).select_related("dataset__team", "created_by", "profile")
    version = get_object_or_404(versions, dataset=pk, number=number)
    findings = list(version.pii_findings.with_notes().newest_first().select_related("created_by")[:MOST_FINDINGS])
    profile = getattr(version, "profile", None)
    context = {
        "version": version,
        "provenance": provenance.shown(version.provenance),
        "pii": lineage.assess([version]),
        "findings": findings,
        "profile": profile,
        "not_checked": _not_checked(version, profile),
        "place": locations.words_of(version.location),
        "uses": [use for uses_of in USES for use in uses_of(version, request.user)],
        **_lineage(request, version),
        "parts": [part for find in version_parts for part in find(request, version)],
    }
    return render(request, "data_registry/dataset_version.html", context)


@require_POST
def hold_out(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The version is registered as a hold-out, or the page says why not."""
    version = get_object_or_404(DatasetVersion.objects.visible_to(request.user).select_related("dataset__team"), pk=pk)
    try:
        services.register_hold_out(version, by=request.user)
    except NotAllowed as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return see_other(request, version)


def _not_checked(version: DatasetVersion, profile: Profile | None) -> list[str]:
    if profile is None and version.is_registered:
        return [coverage.sentence({"code": coverage.NO_READER})]
    return [coverage.sentence(entry) for entry in profile.not_checked] if profile else []


def _lineage(request: HttpRequest, version: DatasetVersion) -> dict[str, Any]:
    """Where the version came from is named in any case; what others made of it only as far as the reader sees it."""
    up, down = lineage.upstream(version, most=MOST_STEPS), lineage.downstream(version, most=MOST_STEPS)
    seen = _seen(request, [step.version.pk for step in (*up, *down)])
    return {
        "up": [(step, seen.get(step.version.pk)) for step in up],
        "down": [(step, seen[step.version.pk]) for step in down if step.version.pk in seen],
        "down_hidden": len({step.version.pk for step in down} - set(seen)),
    }


def _seen(request: HttpRequest, keys: Iterable[UUID]) -> dict[UUID, str]:
    """The addresses of those versions that the reader may see."""
    versions = DatasetVersion.objects.visible_to(request.user).filter(pk__in=set(keys))
    return {version.pk: version.get_absolute_url() for version in versions}
