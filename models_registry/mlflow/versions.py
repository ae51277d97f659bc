"""Model versions: registering a folder makes a draft of the next number; what is decided about it is decided on its page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models.fields.json import KeyTextTransform
from django.utils.translation import gettext as _

from core import keyset
from core.errors import InvalidInput
from models_registry import aliases, editing
from models_registry.mlflow import finding, places, shapes
from models_registry.mlflow.experiments import NAME
from models_registry.mlflow.fields import KEY, Many, Text
from models_registry.mlflow.filters import Column, key, matching, moment, number, text
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from models_registry.mlflow.paging import ORDER, Columns, page_of, pages
from models_registry.mlflow.runs import TAGS
from models_registry.mlflow.taking import take
from models_registry.models import ModelCard, Version
from models_registry.registering import register_files

MOST_ROWS = 1_000  # of one page; MLflow's client asks for 10,000 and goes on with the token
STAGES = Many(Text(50), most=10)
NUMBER = Text(20, needed=True)
SOURCE = Text(2_000, needed=True)
DESCRIPTION = Text(20_000)
VALUE = Text(8_000)
ASKED = {
    "name": Column("model__name", text),
    "run_id": Column("training_run_id", key),
    "version_number": Column("number", number),
    "creation_timestamp": Column("created_at", moment),
    "source_path": Column(KeyTextTransform("uri", "source"), text),
}
ORDERED: Columns = {
    "name": ("model__name", keyset.storable),
    "version_number": ("number", int),
    **dict.fromkeys(("creation_timestamp", "last_updated_timestamp"), ("created_at", keyset.moment)),
}


def shaped(versions: Iterable[Version]) -> list[dict[str, Any]]:
    """The versions in MLflow's form, in a constant number of queries."""
    found = list(versions)
    cards = ModelCard.objects.filter(version__in=found).order_by("version_id", "-revision").distinct("version_id")
    overviews = {card.version_id: card.content.get("overview", "") for card in cards}
    named = aliases.aliases_of({version.model for version in found})
    return [
        _shape(
            version,
            description=overviews.get(version.pk, ""),
            names=[name for name, number in named[version.model_id].items() if number == version.number],
        )
        for version in found
    ]


def _shape(version: Version, *, description: str, names: list[str]) -> dict[str, Any]:
    made = shapes.milliseconds(version.created_at)
    model = {"model_id": version.source["model"]} if version.source.get("model") else {}
    page = f"{settings.SITE_URL}{version.get_absolute_url()}"
    return {
        "name": version.model.name,
        "version": str(version.number),
        "creation_timestamp": made,
        "last_updated_timestamp": made,
        "user_id": str(version.created_by),
        "current_stage": "None",
        "description": description,
        "source": version.source.get("uri", ""),
        "run_id": str(version.training_run_id or ""),
        "run_link": version.source.get("link", ""),
        "status": "READY",
        "status_message": " ".join(part for part in (f"{version.get_state_display()}.", version.note, page) if part),
        "tags": shapes.pairs(version.tags),
        "aliases": sorted(names),
        **model,
    }


@writes(
    "POST",
    "mlflow/model-versions/create",
    name=NAME,
    source=SOURCE,
    run_id=Text(80),
    run_link=Text(2_000),
    tags=TAGS,
    description=DESCRIPTION,
    model_id=Text(80),
)
def create_model_version(
    asked: Asked,
    *,
    name: str,
    source: str,
    run_id: str,
    run_link: str,
    tags: list[dict[str, str]],
    description: str,
    model_id: str,
) -> Answer:
    """A draft with the folder's files by digest, its weights as checkpoint where PyTorch wrote them, and its run."""
    model = finding.model(asked, name)
    taken = take(asked, source, run_id=run_id, model_id=model_id)
    version = register_files(
        model,
        by=asked.by,
        files=taken.files,
        checkpoint=taken.checkpoint,
        run=taken.run,
        source={
            "uri": source,
            "link": run_link,
            "model": taken.model_id,
            "version": taken.version,
            "flavors": taken.flavors,
        },
        overview=description,
        note=taken.note,
        tags={tag["key"]: tag["value"] for tag in tags},
    )
    return {"model_version": shaped([version])[0]}


@reads("GET", "mlflow/model-versions/get", name=NAME, version=NUMBER)
def get_model_version(asked: Asked, *, name: str, version: str) -> Answer:
    return {"model_version": shaped([finding.version(asked, name, version)])[0]}


@reads("GET", "mlflow/model-versions/get-download-uri", name=NAME, version=NUMBER)
def get_download_uri(asked: Asked, *, name: str, version: str) -> Answer:
    """The folder that was registered, whatever became of its run."""
    return {"artifact_uri": places.of_version(finding.version(asked, name, version).pk)}


@reads("GET", "mlflow/model-versions/search", **pages(200_000), filter=Text(20_000), order_by=ORDER)
def search_model_versions(asked: Asked, *, max_results: int | None, page_token: str, filter: str, order_by: list[str]) -> Answer:
    rows = Version.objects.filter(matching(filter, ASKED), model__team=asked.team).exclude(state=Version.State.WITHDRAWN)
    size = min(max_results or 100, MOST_ROWS)
    found, more = page_of(
        rows.select_related("model__team", "created_by"),
        order=order_by,
        columns=ORDERED,
        token=page_token,
        size=size,
    )
    return {"model_versions": shaped(found), **more}


@reads("POST", "mlflow/registered-models/get-latest-versions", name=NAME, stages=STAGES)
def get_latest_versions(asked: Asked, *, name: str, stages: list[str]) -> Answer:
    """The newest version; of a stage that the release process knows, the one that is live there."""
    model = finding.model(asked, name)
    found: list[Version] = []
    for stage in stages or ["None"]:
        if aliases.is_of_releases(stage):
            found += aliases.live_under(stage, [model]).values()
        elif stage.lower() == "none":
            rows = Version.objects.of(model).exclude(state=Version.State.WITHDRAWN)
            found += rows.select_related("model__team", "created_by")[:1]
    return {"model_versions": shaped(found)}


@writes("PATCH", "mlflow/model-versions/update", name=NAME, version=NUMBER, description=DESCRIPTION)
def update_model_version(asked: Asked, *, name: str, version: str, description: str) -> Answer:
    """The overview of a draft's card."""
    found = editing.write_overview(finding.version(asked, name, version), by=asked.by, overview=description)
    return {"model_version": shaped([found])[0]}


@writes("DELETE", "mlflow/model-versions/delete", name=NAME, version=NUMBER)
def delete_model_version(asked: Asked, *, name: str, version: str) -> Answer:
    """A draft is withdrawn; what was submitted stays."""
    editing.withdraw_draft(finding.version(asked, name, version), by=asked.by)
    return {}


@writes("POST", "mlflow/model-versions/transition-stage", name=NAME, version=NUMBER, stage=Text(50, needed=True))
def transition_stage(asked: Asked, *, name: str, version: str, stage: str) -> Answer:
    """Stages are the release process's; MLflow itself has given them up for aliases."""
    found = finding.version(asked, name, version)
    aliases.can_set_alias(asked.by, found.model, stage, version=found).enforce()
    raise InvalidInput(
        _("Versions have no stages here: set an alias, or ask for a release on %(page)s")
        % {"page": f"{settings.SITE_URL}{found.get_absolute_url()}"}
    )


@writes("POST", "mlflow/model-versions/set-tag", name=NAME, version=NUMBER, key=KEY, value=VALUE)
def set_version_tag(asked: Asked, *, name: str, version: str, key: str, value: str) -> Answer:
    editing.write_tags(finding.version(asked, name, version), {key: value}, by=asked.by)
    return {}


@writes("DELETE", "mlflow/model-versions/delete-tag", name=NAME, version=NUMBER, key=KEY)
def delete_version_tag(asked: Asked, *, name: str, version: str, key: str) -> Answer:
    editing.write_tags(finding.version(asked, name, version), {key: None}, by=asked.by)
    return {}
