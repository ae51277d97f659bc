"""Runs: begun, logged to, ended, deleted (hidden) and restored."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from models_registry.mlflow import finding, shapes
from models_registry.mlflow.experiments import ID
from models_registry.mlflow.fields import KEY, Choice, Many, Record, Text, Whole, missing
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from tracking import services
from tracking.models import Experiment, TrainingRun
from tracking.services.experiments import DEFAULT

MOST_MS = 253_402_300_799_000  # the last second of the year 9999
MOMENT = Whole(least=0, most=MOST_MS)
RUN = {"run_id": Text(80), "run_uuid": Text(80)}  # one of them; older clients send the second
VALUE = Text(64 * 1024)  # of a tag
TAGS = Many(Record({"key": KEY, "value": VALUE}))
STATUS = Choice(("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"))
_GIT = "mlflow.source.git."
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def run_of(asked: Asked, run_id: str, run_uuid: str = "") -> TrainingRun:
    if not run_id and not run_uuid:
        raise missing("run_id")
    return finding.run(asked, run_id or run_uuid)


@writes(
    "POST",
    "mlflow/runs/create",
    experiment_id=Text(80),
    user_id=Text(200),
    run_name=Text(250),
    start_time=MOMENT,
    tags=TAGS,
)
def create_run(
    asked: Asked, *, experiment_id: str, user_id: str, run_name: str, start_time: int | None, tags: list[dict[str, str]]
) -> Answer:
    """What its tags say of code and environment becomes the run's facts; the parent is a run of the same team."""
    given = {tag["key"]: tag["value"] for tag in tags}
    named = given.pop(shapes.RUN_NAME, "")
    if run_name and named and run_name != named:
        raise InvalidInput(_("Both 'run_name' and the tag 'mlflow.runName' are given, and they differ. Give one of them."))
    parent = given.pop(shapes.PARENT, "")
    if user_id:
        given.setdefault(shapes.USER, user_id)
    started = services.start_run(
        asked.team,
        by=asked.by,
        name=(run_name or named)[:200],
        experiment=_home(asked, experiment_id or finding.FIRST),
        parent=finding.run(asked, parent) if parent else None,
        origin=TrainingRun.Origin.MLFLOW,
        tags=given,
        code=code_in(given),
        environment=environment_in(given),
        started_at=shapes.moment(start_time),
    )
    return {"run": shapes.run(started)}


def _home(asked: Asked, experiment_id: str) -> Experiment | str:
    """The experiment; the one of clients that chose none is made with its first run."""
    if experiment_id == finding.FIRST:
        return DEFAULT
    home = finding.experiment(asked, experiment_id)
    if home.hidden_at:
        raise WrongState(
            _("The experiment %(name)s is deleted: restore it, or name another.") % {"name": home.name}, code="experiment_hidden"
        )
    return home


def code_in(tags: dict[str, str]) -> dict[str, Any]:
    """What MLflow's tags say of the code; whether there were uncommitted changes is mostly not said."""
    commit = tags.get(f"{_GIT}commit", "").lower()
    if not _COMMIT.match(commit):
        return {}
    repository = tags.get(f"{_GIT}repoURL", "")
    return {
        "commit": commit,
        "branch": tags.get(f"{_GIT}branch", "")[:500],
        "repository": "" if "@" in repository.partition("://")[2] else repository[:500],  # such an address may hold a password
        "entry": tags.get("mlflow.source.name", "")[:500],
        "dirty": {"true": True, "false": False}.get(tags.get(f"{_GIT}dirty", "").lower()),
    }


def environment_in(tags: dict[str, str]) -> dict[str, Any]:
    kind = "notebook" if tags.get("mlflow.source.type") == "NOTEBOOK" else ""
    found = {"user": tags.get(shapes.USER, "")[:200], "host_kind": kind}
    return {name: text for name, text in found.items() if text}


@reads("GET", "mlflow/runs/get", **RUN)
def get_run(asked: Asked, *, run_id: str, run_uuid: str) -> Answer:
    return {"run": shapes.run(run_of(asked, run_id, run_uuid))}


@writes("POST", "mlflow/runs/update", **RUN, status=STATUS, end_time=MOMENT, run_name=Text(250))
def update_run(asked: Asked, *, run_id: str, run_uuid: str, status: str, end_time: int | None, run_name: str) -> Answer:
    run = run_of(asked, run_id, run_uuid)
    if run_name and run_name != run.name:
        run = services.rename_run(run, by=asked.by, name=run_name)
    run = _put(run, asked, status, shapes.moment(end_time))
    return {"run_info": shapes.run_info(run)}


def _put(run: TrainingRun, asked: Asked, status: str, ended_at: datetime | None) -> TrainingRun:
    """The run is in the state that the client says."""
    if status in {"RUNNING", "SCHEDULED"}:
        return services.reopen_run(run, by=asked.by)
    if status:
        return services.end_run(run, by=asked.by, state=shapes.STATE_OF[status], ended_at=ended_at)
    if ended_at and run.state != TrainingRun.State.RUNNING:
        return services.end_run(run, by=asked.by, state=run.state, ended_at=ended_at)
    return run


@writes("POST", "mlflow/runs/delete", run_id=ID)
def delete_run(asked: Asked, *, run_id: str) -> Answer:
    """Hidden, as an experiment is; a run on which a version stands cannot be."""
    services.hide_run(finding.run(asked, run_id), by=asked.by)
    return {}


@writes("POST", "mlflow/runs/restore", run_id=ID)
def restore_run(asked: Asked, *, run_id: str) -> Answer:
    services.show_run(finding.run(asked, run_id), by=asked.by)
    return {}


@writes("POST", "mlflow/runs/set-tag", **RUN, key=KEY, value=VALUE)
def set_tag(asked: Asked, *, run_id: str, run_uuid: str, key: str, value: str) -> Answer:
    tag(run_of(asked, run_id, run_uuid), asked, {key: value})
    return {}


@writes("POST", "mlflow/runs/delete-tag", run_id=ID, key=KEY)
def delete_tag(asked: Asked, *, run_id: str, key: str) -> Answer:
    services.remove_tag(finding.run(asked, run_id), by=asked.by, name=key)
    return {}


def tag(run: TrainingRun, asked: Asked, tags: dict[str, str], **more: Any) -> None:
    """The run has these tags and whatever else is logged with them; the tag of its name is its name."""
    name = tags.pop(shapes.RUN_NAME, "")
    if name and name != run.name:
        run = services.rename_run(run, by=asked.by, name=name)
    of_code = any(key.startswith(_GIT) for key in tags)
    if tags or more:
        code = code_in({**run.tags, **tags}) if of_code else None
        services.log(run, by=asked.by, tags=tags, code=code, environment=environment_in(tags), **more)
