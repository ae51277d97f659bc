"""Registered models: what MLflow's client registers is the Countersign model of that name in the team."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from core import keyset
from core.errors import InvalidInput, NotAllowed
from models_registry import editing, services
from models_registry.aliases import aliases_of
from models_registry.mlflow import finding, shapes, versions
from models_registry.mlflow.experiments import NAME
from models_registry.mlflow.fields import KEY, Text
from models_registry.mlflow.filters import Column, matching, moment, text
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from models_registry.mlflow.paging import ORDER, page_of, pages
from models_registry.mlflow.runs import TAGS
from models_registry.models import RegisteredModel, Version
from models_registry.services import require_name

DESCRIPTION = Text(4_000)
VALUE = Text(8_000)
ASKED = {"name": Column("name", text), "creation_timestamp": Column("created_at", moment)}
ORDERED = {
    "name": ("name", keyset.storable),
    **dict.fromkeys(("timestamp", "creation_timestamp", "last_updated_timestamp"), ("created_at", keyset.moment)),
}
# What MLflow has no field for is stated by tags of these names; they are facts of the model, no labels.
STATED = {"countersign.task": "task", "countersign.risk_tier": "risk_tier", "countersign.classes": "classes"}


def shaped(models: Iterable[RegisteredModel]) -> list[dict[str, Any]]:
    """The models in MLflow's form, in a constant number of queries."""
    models = list(models)
    latest = Version.objects.filter(model__in=models).exclude(state=Version.State.WITHDRAWN)
    latest = latest.order_by("model_id", "-number").distinct("model_id").select_related("model__team", "created_by")
    newest = {version["name"]: version for version in versions.shaped(latest)}
    aliases = aliases_of(models)
    return [_shape(model, newest.get(model.name), aliases[model.pk]) for model in models]


def _shape(model: RegisteredModel, newest: dict[str, Any] | None, aliases: dict[str, int]) -> dict[str, Any]:
    made = shapes.milliseconds(model.created_at)
    stated = {"countersign.task": model.task, "countersign.risk_tier": model.risk_tier}
    return {
        "name": model.name,
        "creation_timestamp": made,
        "last_updated_timestamp": newest["creation_timestamp"] if newest else made,
        "user_id": str(model.owner),
        "description": model.description,
        "latest_versions": [newest] if newest else [],
        "tags": shapes.pairs({**model.tags, **{name: value for name, value in stated.items() if value}}),
        "aliases": [{"alias": name, "version": str(number)} for name, number in sorted(aliases.items())],
    }


@writes("POST", "mlflow/registered-models/create", name=NAME, tags=TAGS, description=DESCRIPTION)
def create_registered_model(asked: Asked, *, name: str, tags: list[dict[str, str]], description: str) -> Answer:
    """Task and risk tier are as the tags state them; else they stay open, and nothing is submitted before they are stated."""
    given = {tag["key"]: tag["value"] for tag in tags}
    stated = {column: given.pop(tag, "") for tag, column in STATED.items()}
    _require(name)
    editing.require_known(task=stated["task"], risk_tier=stated["risk_tier"])
    model = services.register_model(
        by=asked.by,
        team=asked.team,
        name=name,
        task=stated["task"],
        risk_tier=stated["risk_tier"],
        classes=_classes(stated["classes"]),
        description=description,
        tags=given,
    )
    return {"registered_model": shaped([model])[0]}


def _require(name: str) -> None:
    """A name that can be had, or a sentence with one that could."""
    try:
        require_name(name)
    except InvalidInput as refusal:
        near = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")[:64].strip("-")
        if not near:
            raise
        raise InvalidInput(_("%(why)s Such as: %(near)s") % {"why": refusal, "near": near}, code="name") from refusal


def _classes(text: str) -> list[str]:
    return [name.strip()[:100] for name in text.split(",") if name.strip()]


@reads("GET", "mlflow/registered-models/get", name=NAME)
def get_registered_model(asked: Asked, *, name: str) -> Answer:
    return {"registered_model": shaped([finding.model(asked, name)])[0]}


@reads("GET", "mlflow/registered-models/search", **pages(1_000), filter=Text(20_000), order_by=ORDER)
def search_registered_models(
    asked: Asked, *, max_results: int | None, page_token: str, filter: str, order_by: list[str]
) -> Answer:
    rows = RegisteredModel.objects.filter(matching(filter, ASKED), team=asked.team).select_related("owner")
    found, more = page_of(rows, order=order_by or ["name"], columns=ORDERED, token=page_token, size=max_results or 100)
    return {"registered_models": shaped(found), **more}


@writes("POST", "mlflow/registered-models/rename", name=NAME, new_name=NAME)
def rename_registered_model(asked: Asked, *, name: str, new_name: str) -> Answer:
    _require(new_name)
    return {"registered_model": shaped([editing.rename(finding.model(asked, name), by=asked.by, name=new_name)])[0]}


@writes("PATCH", "mlflow/registered-models/update", name=NAME, description=DESCRIPTION)
def update_registered_model(asked: Asked, *, name: str, description: str) -> Answer:
    model = editing.describe(finding.model(asked, name), by=asked.by, description=description)
    return {"registered_model": shaped([model])[0]}


@writes("DELETE", "mlflow/registered-models/delete", name=NAME)
def delete_registered_model(asked: Asked, *, name: str) -> Answer:
    raise NotAllowed(
        _("%(model)s stays: nothing that was registered is deleted here, so that its history can be audited.")
        % {"model": finding.model(asked, name).name},
        code="kept",
    )


@writes("POST", "mlflow/registered-models/set-tag", name=NAME, key=KEY, value=VALUE)
def set_model_tag(asked: Asked, *, name: str, key: str, value: str) -> Answer:
    model = finding.model(asked, name)
    if fact := STATED.get(key):
        given: dict[str, Any] = {fact: _classes(value) if fact == "classes" else value}
        editing.state(model, by=asked.by, **given)
    else:
        editing.write_tags(model, {key: value}, by=asked.by)
    return {}


@writes("DELETE", "mlflow/registered-models/delete-tag", name=NAME, key=KEY)
def delete_model_tag(asked: Asked, *, name: str, key: str) -> Answer:
    if key in STATED:
        raise NotAllowed(_("%(tag)s states a fact of the model, which stays stated.") % {"tag": key}, code="already_stated")
    editing.write_tags(finding.model(asked, name), {key: None}, by=asked.by)
    return {}
