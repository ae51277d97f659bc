"""The last attestation of the gate about a version, as a file."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from governance.models import Attestation
from models_registry.pages import visible_version


@require_safe
def attestation(request: HttpRequest, pk: UUID, slug: str) -> HttpResponse:
    """Exactly as it was signed, for `countersign gate --offline`."""
    version = visible_version(request, pk)
    held = Attestation.objects.latest_of(version.pk, slug)
    if held is None:
        raise Http404(_("The gate has certified nothing about this version there."))
    name = f"{version.model.name}-v{version.number}-{slug}.json"
    return JsonResponse(held.envelope, headers={"Content-Disposition": f'attachment; filename="{name}"'})
