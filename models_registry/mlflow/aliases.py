"""Aliases: names of the team's own for versions. Those of the release process are read here and set by nobody."""

from __future__ import annotations

from core.errors import InvalidInput, Missing
from models_registry import aliases
from models_registry.mlflow import finding, versions
from models_registry.mlflow.experiments import NAME
from models_registry.mlflow.fields import Text
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from models_registry.mlflow.versions import NUMBER

ALIAS = Text(255, needed=True)
ADDRESS = "mlflow/registered-models/alias"


@reads("GET", ADDRESS, name=NAME, alias=ALIAS)
def get_by_alias(asked: Asked, *, name: str, alias: str) -> Answer:
    try:
        version = aliases.version_of(finding.model(asked, name), alias)
    except Missing as refusal:
        if refusal.code != "no_alias":
            raise
        raise InvalidInput(str(refusal), code="no_alias") from refusal  # the code by which MLflow's client knows it
    return {"model_version": versions.shaped([version])[0]}


@writes("POST", ADDRESS, name=NAME, alias=ALIAS, version=NUMBER)
def set_alias(asked: Asked, *, name: str, alias: str, version: str) -> Answer:
    found = finding.version(asked, name, version)
    aliases.set_alias(found.model, alias, by=asked.by, version=found)
    return {}


@writes("DELETE", ADDRESS, name=NAME, alias=ALIAS)
def delete_alias(asked: Asked, *, name: str, alias: str) -> Answer:
    aliases.remove_alias(finding.model(asked, name), alias, by=asked.by)
    return {}
