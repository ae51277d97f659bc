"""What runs, metrics and experiments look like in MLflow's answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from models_registry.mlflow import places
from tracking.models import Experiment, MetricSeries, RunData, TrainingRun

State = TrainingRun.State
STATUS = {State.RUNNING: "RUNNING", State.FINISHED: "FINISHED", State.FAILED: "FAILED", State.KILLED: "KILLED"}
STATE_OF = {status: state for state, status in STATUS.items()}
RUN_NAME, PARENT, USER, CONTEXT = "mlflow.runName", "mlflow.parentRunId", "mlflow.user", "mlflow.data.context"


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(milliseconds: int | None) -> datetime | None:
    """The moment so many milliseconds after 1970; None stays None."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def number(value: float) -> float | str:
    """A number as protobuf writes it in JSON."""
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def pairs(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"key": name, "value": word(value)} for name, value in sorted(facts.items())]


def word(value: Any) -> str:
    """A parameter's value as text; MLflow knows no others."""
    return value if isinstance(value, str) else str(value)


def lifecycle(hidden_at: datetime | None) -> str:
    return "deleted" if hidden_at else "active"


def experiment(one: Experiment) -> dict[str, Any]:
    made = milliseconds(one.created_at)
    return {
        "experiment_id": str(one.pk),
        "name": one.name,
        "artifact_location": f"{places.SCHEME}{one.pk}",
        "lifecycle_stage": lifecycle(one.hidden_at),
        "creation_time": made,
        "last_update_time": milliseconds(one.hidden_at) if one.hidden_at else made,
        "tags": pairs(one.tags),
    }


def run_info(run: TrainingRun) -> dict[str, Any]:
    ended = {"end_time": milliseconds(run.ended_at)} if run.ended_at else {}
    return {
        "run_id": str(run.pk),
        "run_uuid": str(run.pk),
        "run_name": run.name,
        "experiment_id": str(run.experiment_id),
        "user_id": run.tags.get(USER, ""),
        "status": STATUS[State(run.state)],
        "start_time": milliseconds(run.started_at or run.created_at),
        **ended,
        "artifact_uri": places.of_run(run.experiment_id, run.pk),
        "lifecycle_stage": lifecycle(run.hidden_at),
    }


def run(one: TrainingRun) -> dict[str, Any]:
    """The run with the last value of each metric, its data and models; for many, fetched with `searches.WITH_PARTS`."""
    uses = list(one.model_uses.all())  # type: ignore[attr-defined]  # the plug-in knows it only with a cold cache
    parent = {PARENT: str(one.parent_id)} if one.parent_id else {}
    return {
        "info": run_info(one),
        "data": {
            "metrics": [last(series) for series in one.series.all()],
            "params": pairs(one.params),
            "tags": pairs({**one.tags, RUN_NAME: one.name, **parent}),
        },
        "inputs": {
            "dataset_inputs": [data(one) for one in one.data.all()],
            "model_inputs": [{"model_id": places.model_id(use.model_id)} for use in uses if not use.made],
        },
        "outputs": {"model_outputs": [{"model_id": places.model_id(use.model_id), "step": use.step} for use in uses if use.made]},
    }


def last(series: MetricSeries) -> dict[str, Any]:
    return {
        "key": series.name,
        "value": number(series.last_value),
        "timestamp": series.last_at,
        "step": series.last_step,
    }


def data(one: RunData) -> dict[str, Any]:
    named = {"schema": one.schema, "profile": one.profile}
    return {
        "tags": [{"key": CONTEXT, "value": one.context}] if one.context else [],
        "dataset": {
            "name": one.name,
            "digest": one.digest,
            "source_type": one.source_type,
            "source": one.source,
            **{name: text for name, text in named.items() if text},
        },
    }


def files(found: Iterable[tuple[str, int]], folder: str) -> list[dict[str, Any]]:
    """What lies directly in `folder` among (path, size): its files, and the folders in it; the paths begin where they did."""
    start = f"{folder}/" if folder else ""
    listed: dict[str, dict[str, Any]] = {}
    for path, size in found:
        name, deeper, _rest = path.removeprefix(start).partition("/")
        listed[name] = {"path": name, "is_dir": True} if deeper else {"path": name, "is_dir": False, "file_size": size}
    return [listed[name] for name in sorted(listed)]
