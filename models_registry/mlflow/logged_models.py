"""Logged models of MLflow 3: a model has an id, files, parameters and figures of its own beside those of its run."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _

from core import keyset
from core.errors import InvalidInput
from models_registry.mlflow import finding, places, shapes
from models_registry.mlflow.artifacts import PATH, _listed
from models_registry.mlflow.experiments import ID
from models_registry.mlflow.fields import Choice, Flag, Many, Record, Text, Whole
from models_registry.mlflow.filters import Column, key, matching, moment, text
from models_registry.mlflow.metrics import PARAM, STEP
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from models_registry.mlflow.paging import page_of, pages
from models_registry.mlflow.runs import TAGS
from tracking import services
from tracking.models import LoggedModel

Upload = LoggedModel.Upload
STATUS = {
    Upload.PENDING: "LOGGED_MODEL_PENDING",
    Upload.READY: "LOGGED_MODEL_READY",
    Upload.FAILED: "LOGGED_MODEL_UPLOAD_FAILED",
}
UPLOAD_OF = {status: upload for upload, status in STATUS.items()}
ONE = "mlflow/logged-models/<str:model_id>"
PARAMS = Many(PARAM)
OUTPUT = Record({"model_id": ID, "step": Whole(least=-STEP, most=STEP)})
TERM = Record(
    {"field_name": Text(300, needed=True), "ascending": Flag(otherwise=True), "dataset_name": Text(), "dataset_digest": Text()}
)
ASKED = {
    "name": Column("name", text),
    "model_id": Column("pk", key),
    "source_run_id": Column("run_id", key),
    "status": Column("upload", lambda token: UPLOAD_OF.get(f"LOGGED_MODEL_{text(token).removeprefix('LOGGED_MODEL_')}", "")),
    "model_type": Column("kind", text),
    "creation_time": Column("created_at", moment),
    "creation_timestamp": Column("created_at", moment),
}
ORDERED = {
    "name": ("name", keyset.storable),
    **dict.fromkeys(("creation_time", "creation_timestamp"), ("created_at", keyset.moment)),
    "last_updated_timestamp": ("changed_at", keyset.moment),
}


def shape(one: LoggedModel) -> dict[str, Any]:
    run = {"source_run_id": str(one.run_id)} if one.run_id else {}
    return {
        "info": {
            "model_id": places.model_id(one.pk),
            "experiment_id": str(one.experiment_id),
            "name": one.name,
            "creation_timestamp_ms": shapes.milliseconds(one.created_at),
            "last_updated_timestamp_ms": shapes.milliseconds(one.changed_at),
            "artifact_uri": places.of_logged_model(one.experiment_id, one.pk),
            "status": STATUS[Upload(one.upload)],
            "model_type": one.kind,
            **run,
            "tags": shapes.pairs(one.tags),
        },
        "data": {
            "params": shapes.pairs(one.params),
            "metrics": [{**metric, "model_id": places.model_id(one.pk)} for metric in one.metrics],
        },
    }


@writes(
    "POST",
    "mlflow/logged-models",
    experiment_id=ID,
    name=Text(250),
    model_type=Text(250),
    source_run_id=Text(80),
    params=PARAMS,
    tags=TAGS,
)
def create_logged_model(
    asked: Asked,
    *,
    experiment_id: str,
    name: str,
    model_type: str,
    source_run_id: str,
    params: list[dict[str, str]],
    tags: list[dict[str, str]],
) -> Answer:
    made = services.begin_logged_model(
        finding.experiment(asked, experiment_id),
        by=asked.by,
        name=name or "model",
        run=finding.run(asked, source_run_id) if source_run_id else None,
        kind=model_type,
        params=_mapped(params),
        tags=_mapped(tags),
    )
    return {"model": shape(made)}


@reads("GET", ONE, model_id=ID, allow_deleted=Flag())
def get_logged_model(asked: Asked, *, model_id: str, allow_deleted: bool) -> Answer:
    return {"model": shape(finding.logged_model(asked, model_id, hidden=allow_deleted))}


@writes("PATCH", ONE, model_id=ID, status=Choice(tuple(UPLOAD_OF), needed=True))
def finalize_logged_model(asked: Asked, *, model_id: str, status: str) -> Answer:
    model = services.log_to_model(finding.logged_model(asked, model_id), by=asked.by, upload=UPLOAD_OF[status])
    return {"model": shape(model)}


@writes("DELETE", ONE, model_id=ID)
def delete_logged_model(asked: Asked, *, model_id: str) -> Answer:
    """Hidden, as a run is."""
    services.hide_logged_model(finding.logged_model(asked, model_id), by=asked.by)
    return {}


@writes("POST", f"{ONE}/params", model_id=ID, params=PARAMS)
def log_params(asked: Asked, *, model_id: str, params: list[dict[str, str]]) -> Answer:
    services.log_to_model(finding.logged_model(asked, model_id), by=asked.by, params=_mapped(params))
    return {}


@writes("PATCH", f"{ONE}/tags", model_id=ID, tags=TAGS)
def set_tags(asked: Asked, *, model_id: str, tags: list[dict[str, str]]) -> Answer:
    return {"model": shape(services.log_to_model(finding.logged_model(asked, model_id), by=asked.by, tags=_mapped(tags)))}


@writes("DELETE", f"{ONE}/tags/<str:tag_key>", model_id=ID, tag_key=Text(250, needed=True))
def delete_tag(asked: Asked, *, model_id: str, tag_key: str) -> Answer:
    services.log_to_model(finding.logged_model(asked, model_id), by=asked.by, tags={tag_key: None})
    return {}


@reads("GET", f"{ONE}/artifacts/directories", model_id=ID, artifact_directory_path=PATH, page_token=Text(20))
def list_directory(asked: Asked, *, model_id: str, artifact_directory_path: str, page_token: str) -> Answer:
    model, folder = finding.logged_model(asked, model_id), places.checked(artifact_directory_path)
    found = [{**one, "path": f"{folder}/{one['path']}" if folder else one["path"]} for one in _listed(model.files, folder)]
    return {"root_uri": places.of_logged_model(model.experiment_id, model.pk), "files": found}


@writes("POST", "mlflow/runs/outputs", run_id=ID, models=Many(OUTPUT))
def log_outputs(asked: Asked, *, run_id: str, models: list[dict[str, Any]]) -> Answer:
    found = [(finding.logged_model(asked, one["model_id"]), one["step"] or 0) for one in models]
    services.use_models(finding.run(asked, run_id), by=asked.by, models=found, made=True)
    return {}


@writes("POST", "mlflow/runs/log-model", run_id=ID, model_json=Text(64 * 1024, needed=True))
def log_model(asked: Asked, *, run_id: str, model_json: str) -> Answer:
    """How MLflow 2 says that a folder of the run's artifacts is a model."""
    try:
        facts = json.loads(model_json)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict):
        raise InvalidInput(_("model_json must be the JSON of an object."))
    services.note_model(finding.run(asked, run_id), by=asked.by, facts=facts)
    return {}


@reads(
    "POST",
    "mlflow/logged-models/search",
    **pages(1_000),
    experiment_ids=Many(ID, most=1_000),
    filter=Text(20_000),
    order_by=Many(TERM, most=5),
    datasets=Many(Record({"dataset_name": Text(500), "dataset_digest": Text(100)})),
)
def search_logged_models(
    asked: Asked,
    *,
    max_results: int | None,
    page_token: str,
    experiment_ids: list[str],
    filter: str,
    order_by: list[dict[str, Any]],
    datasets: list[dict[str, str]],
) -> Answer:
    """By name, id, run, kind, status, time, params and tags; what asks for metrics, or for metrics on data, is refused."""
    if datasets:
        raise InvalidInput(_("Logged models are not searched by their metrics on data here: filter the runs that made them."))
    rows = LoggedModel.objects.filter(
        matching(filter, ASKED, held=("tags", "params")),
        team=asked.team,
        hidden_at=None,
        experiment__in=finding.experiments(asked, experiment_ids),
    )
    order = [f"{term['field_name']} {'ASC' if term['ascending'] else 'DESC'}" for term in order_by]
    found, more = page_of(rows, order=order, columns=ORDERED, token=page_token, size=max_results or 100)
    return {"models": [shape(one) for one in found], **more}


def _mapped(found: list[dict[str, str]]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in found}
