"""Addresses of MLflow's API: at the root, where its client looks for them, and below /teams/SLUG/ for people of several teams.

They are no part of the OpenAPI description: their shapes are MLflow's, which describes them itself; docs/reference/mlflow-api.md
says which of them are served, and a test holds that page to this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, include, path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from models_registry.mlflow import (
    aliases,
    artifacts,
    errors,
    experiments,
    logged_models,
    metrics,
    models,
    runs,
    searches,
    versions,
)
from models_registry.mlflow.edge import view_of
from models_registry.mlflow.operations import OPERATIONS, Operation

SPOKEN = "3.18.0"  # the version of MLflow whose API this is; its client asks before it uses what is newer
CONCEPTS = (experiments, runs, metrics, searches, artifacts, logged_models, models, versions, aliases)  # each registers its own


@require_safe
@login_not_required
def version(request: HttpRequest, slug: str = "") -> HttpResponse:
    return HttpResponse(SPOKEN, content_type="text/plain")


@require_safe
@login_not_required
def health(request: HttpRequest, slug: str = "") -> HttpResponse:
    return HttpResponse("OK", content_type="text/plain")


@require_safe
@login_not_required
def server_info(request: HttpRequest, slug: str = "") -> JsonResponse:
    """What the client may use: files go through this server in one piece, and teams are no workspaces of MLflow's."""
    return JsonResponse(
        {
            "store_type": "Countersign",
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "artifact_serving_enabled": True,
            "multipart_uploads_enabled": False,
            "multipart_downloads_enabled": False,
            "artifacts_presigned_only": False,
        }
    )


@csrf_exempt
@login_not_required
def unknown(request: HttpRequest, slug: str = "") -> JsonResponse:
    sentence = _("%(method)s %(path)s is not served here. docs/reference/mlflow-api.md lists what is.")
    return errors.refusal("ENDPOINT_NOT_FOUND", sentence % {"method": request.method, "path": request.path[:200]})


def _addresses() -> Iterator[URLPattern]:
    ordered = sorted(OPERATIONS, key=lambda operation: (operation.address.count("<"), operation.address))
    for address, operations in groupby(ordered, key=lambda operation: operation.address):
        together: list[Operation] = list(operations)
        yield path(f"api/2.0/{address}", view_of(together), name=together[0].route)


served = [
    *_addresses(),
    path("api/3.0/mlflow/server-info", server_info, name="mlflow-server-info"),
    path("version", version, name="mlflow-version"),
    path("health", health, name="mlflow-health"),
    re_path(r"^api/[23]\.0/", unknown, name="mlflow-unknown"),
]
urlpatterns = [path("", include(served)), path("teams/<slug:slug>/", include(served))]
