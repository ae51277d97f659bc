"""Files of runs, logged models and versions: sent, listed and given back as they came, in one piece through this server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _

from core.api import stream_body
from core.errors import Missing, NotAllowed
from models_registry.mlflow import finding, places, shapes
from models_registry.mlflow.errors import NotServed
from models_registry.mlflow.fields import Text
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from models_registry.mlflow.runs import RUN, run_of
from models_registry.models import Version
from models_registry.permissions import can_download
from tracking import services
from tracking.api.artifacts import attachment

PATH = Text(2_000)
ONE = "mlflow-artifacts/artifacts/<path:path>"
MOST_LISTED = 10_000  # files of a run or a logged model: what they may keep
IN_PARTS = "Multipart upload is not supported for the current artifact repository"  # MLflow's client looks for these words


@reads("GET", "mlflow/artifacts/list", **RUN, path=PATH, page_token=Text(20))
def list_artifacts(asked: Asked, *, run_id: str, run_uuid: str, path: str, page_token: str) -> Answer:
    run = run_of(asked, run_id, run_uuid)
    folder = places.checked(path)
    found = [{**one, "path": f"{folder}/{one['path']}" if folder else one["path"]} for one in _listed(run.artifacts, folder)]
    return {"root_uri": places.of_run(run.experiment_id, run.pk), "files": found}


@reads("GET", "mlflow-artifacts/artifacts", path=PATH)
def list_files(asked: Asked, *, path: str) -> Answer:
    """What lies in a folder; nothing, where there is no such folder."""
    place = places.place_of(path.strip("/"))
    return {"files": _listed(files_at(asked, place), place.path)}


def _listed(rows: Any, folder: str) -> list[dict[str, Any]]:
    """The files and folders directly in `folder`. A file holds nothing; in some stores of MLflow's it holds itself."""
    below = rows.filter(path__startswith=f"{folder}/") if folder else rows.all()
    return shapes.files(below.values_list("path", "size")[:MOST_LISTED], folder)


@reads("GET", ONE, path=PATH)
def fetch(asked: Asked, *, path: str) -> Answer:
    place = places.place_of(path)
    found = files_at(asked, place).filter(path=place.path).first()
    if found is None:
        raise Missing(_("There is no artifact at %(path)s.") % {"path": place.path[:200]})
    return attachment(found.digest, found.size)


@writes("PUT", ONE, path=PATH)
def keep(asked: Asked, *, path: str) -> Answer:
    """The raw body, streamed and hashed on arrival."""
    place = places.place_of(path)
    chunks: Iterator[bytes] = stream_body(asked.request, limit=settings.UPLOAD_LIMIT, may_be_chunked=True)
    if place.kind == "run":
        services.keep_artifact(finding.run(asked, str(place.pk)), by=asked.by, path=place.path, chunks=chunks)
    elif place.kind == "model":
        services.keep_model_file(finding.logged_model(asked, str(place.pk)), by=asked.by, path=place.path, chunks=chunks)
    else:
        raise NotAllowed(_("The files of a registered version are fixed: register a new version."), code="files_fixed")
    return HttpResponse(status=200, content_type="application/json")


@writes("DELETE", ONE, path=PATH)
def delete(asked: Asked, *, path: str) -> Answer:
    raise NotAllowed(_("Artifacts are kept: none is deleted here. Delete the run to take it out of the lists."), code="kept")


def files_at(asked: Asked, place: places.Place) -> QuerySet[Any]:
    """The rows (path, digest, size) of what a place names, as far as the person may have them."""
    if place.kind == "run":
        return finding.run(asked, str(place.pk)).artifacts.all()
    if place.kind == "model":
        return finding.logged_model(asked, str(place.pk)).files.all()
    version = Version.objects.filter(model__team=asked.team, pk=place.pk).select_related("model__team").first()
    if version is None:
        raise Missing(_("There is no version with id=%(id)s, or you may not see it.") % {"id": place.pk})
    can_download(asked.by, version).enforce()
    return version.files.all()


def _in_parts(asked: Asked, *, path: str) -> Answer:
    raise NotServed(f"{IN_PARTS}.")


for _step in ("create", "complete", "abort"):
    writes("POST", f"mlflow-artifacts/mpu/{_step}/<path:path>", path=PATH)(_in_parts)
reads("GET", "mlflow-artifacts/presigned/<path:path>", path=PATH)(_in_parts)
