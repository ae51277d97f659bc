"""What runs, metrics and experiments look like in MLflow's answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from models_registry.mlflow import places
from tracking.models import Experiment, LoggedModelUse, MetricSeries, RunData, TrainingRun

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
    return runs([one])[0]


def runs(found: Sequence[TrainingRun]) -> list[dict[str, Any]]:
    """Each run with the last value of each metric, its data and models; each kind is fetched at once, and only what is shown."""
    parts = {run.pk: _Parts() for run in found}
    series = MetricSeries.objects.filter(run__in=parts).order_by("name")
    for pk, name, value, at, step in series.values_list("run_id", "name", "last_value", "last_at", "last_step"):
        parts[pk].metrics.append({"key": name, "value": number(value), "timestamp": at, "step": step})
    for named in RunData.objects.filter(run__in=parts):
        parts[named.run_id].datasets.append(data(named))
    uses = LoggedModelUse.objects.filter(run__in=parts)
    for pk, model, made, step in uses.values_list("run_id", "model_id", "made", "step"):
        use = {"model_id": places.model_id(model)}
        parts[pk].made.append({**use, "step": step}) if made else parts[pk].begun_with.append(use)
    return [_whole(run, parts[run.pk]) for run in found]


@dataclass(slots=True)
class _Parts:
    metrics: list[dict[str, Any]] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    begun_with: list[dict[str, Any]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)


def _whole(run: TrainingRun, parts: _Parts) -> dict[str, Any]:
    parent = {PARENT: str(run.parent_id)} if run.parent_id else {}
    return {
        "info": run_info(run),
        "data": {
            "metrics": parts.metrics,
            "params": pairs(run.params),
            "tags": pairs({**run.tags, RUN_NAME: run.name, **parent}),
        },
        "inputs": {"dataset_inputs": parts.datasets, "model_inputs": parts.begun_with},
        "outputs": {"model_outputs": parts.made},
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
