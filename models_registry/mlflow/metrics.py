"""What a run logs: points of curves, parameters, tags, data; and the curves given back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from models_registry.mlflow import finding, runs, shapes
from models_registry.mlflow.experiments import ID
from models_registry.mlflow.fields import KEY, Field, Many, Number, Record, Text, Whole
from models_registry.mlflow.operations import Answer, Asked, reads, writes
from tracking import services
from tracking.models import MetricChunk, MetricSeries, TrainingRun
from tracking.points import Points

STEP = 2**53 - 1
OF_DATA = {"dataset_name": Text(500), "dataset_digest": Text(100), "model_id": Text(80)}
POINT: dict[str, Field] = {
    "key": KEY,
    "value": Number(),
    "timestamp": Whole(least=0, most=STEP),
    "step": Whole(least=-STEP, most=STEP),
    **OF_DATA,
}
VALUE = Text(100_000)  # of a parameter
PARAM = Record({"key": KEY, "value": VALUE})
PARAMS_AT_ONCE = 100  # as MLflow's own server; its client sends more in several batches
POINTS_AT_ONCE = 10_000
HISTORY = 25_000  # points of one page of a curve

# MLflow's client keeps the context of data as a tag of them; other tags of data are not kept.
DATASET = {
    "name": Text(500, needed=True),
    "digest": Text(100, needed=True),
    "source_type": Text(100),
    "source": Text(16_384),
    "schema": Text(131_072),
    "profile": Text(131_072),
}
INPUT = Record({"tags": Many(Record({"key": Text(255), "value": Text(500)})), "dataset": Record(DATASET)})


@writes("POST", "mlflow/runs/log-metric", **runs.RUN, **POINT)
def log_metric(asked: Asked, *, run_id: str, run_uuid: str, **point: Any) -> Answer:
    _log(runs.run_of(asked, run_id, run_uuid), asked, metrics=[point])
    return {}


@writes("POST", "mlflow/runs/log-parameter", **runs.RUN, key=KEY, value=VALUE)
def log_parameter(asked: Asked, *, run_id: str, run_uuid: str, key: str, value: str) -> Answer:
    services.log(runs.run_of(asked, run_id, run_uuid), by=asked.by, params={key: value})
    return {}


@writes(
    "POST",
    "mlflow/runs/log-batch",
    run_id=ID,
    metrics=Many(Record(POINT), most=POINTS_AT_ONCE),
    params=Many(PARAM, most=PARAMS_AT_ONCE),
    tags=Many(runs.TAGS.of, most=PARAMS_AT_ONCE),
)
def log_batch(
    asked: Asked, *, run_id: str, metrics: list[dict[str, Any]], params: list[dict[str, str]], tags: list[dict[str, str]]
) -> Answer:
    named = {one["key"]: one["value"] for one in params}
    if any(named[one["key"]] != one["value"] for one in params):
        raise InvalidInput(_("A parameter stands twice in this batch, with different values."))
    _log(finding.run(asked, run_id), asked, metrics=metrics, params=named, tags={one["key"]: one["value"] for one in tags})
    return {}


def _log(
    run: TrainingRun, asked: Asked, *, metrics: list[dict[str, Any]], params: dict[str, str] | None = None, tags: Any = None
) -> None:
    """Everything of one batch, in one act; what is said of a logged model is kept with that model, too."""
    runs.tag(run, asked, dict(tags or {}), params=params, series=series_of(metrics), once=True)
    of_models = defaultdict(list)
    for point in metrics:
        if point["model_id"]:
            of_models[point["model_id"]].append(metric_of(point, run))
    for model, found in of_models.items():
        services.log_to_model(finding.logged_model(asked, model), by=asked.by, metrics=found)


def series_of(metrics: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One curve for each name, in the order in which the points came."""
    curves: dict[str, dict[str, Any]] = {}
    for point in metrics:
        curve = curves.setdefault(point["key"], {"name": point["key"], "steps": [], "values": [], "times": []})
        curve["steps"].append(point["step"] or 0)
        curve["values"].append(point["value"])
        curve["times"].append(point["timestamp"] or 0)
    return list(curves.values())


def metric_of(point: dict[str, Any], run: TrainingRun | None) -> dict[str, Any]:
    """A metric of a logged model, as it is kept and given back."""
    found = {
        "key": point["key"],
        "value": shapes.number(point["value"]),
        "timestamp": point["timestamp"] or 0,
        "step": point["step"] or 0,
        "dataset_name": point["dataset_name"],
        "dataset_digest": point["dataset_digest"],
        "run_id": str(run.pk) if run else "",
    }
    return {name: value for name, value in found.items() if value != ""}


@writes("POST", "mlflow/runs/log-inputs", run_id=ID, datasets=Many(INPUT), models=Many(Record({"model_id": ID})))
def log_inputs(asked: Asked, *, run_id: str, datasets: list[dict[str, Any]], models: list[dict[str, Any]]) -> Answer:
    run = finding.run(asked, run_id)
    if datasets:
        services.log(run, by=asked.by, data=[{**one["dataset"], "context": _context(one["tags"])} for one in datasets])
    if models:
        found = [(finding.logged_model(asked, one["model_id"]), 0) for one in models]
        services.use_models(run, by=asked.by, models=found, made=False)
    return {}


def _context(tags: list[dict[str, str]]) -> str:
    return next((tag["value"] for tag in tags if tag["key"] == shapes.CONTEXT), "")[:100]


PAGE: dict[str, Field] = {"max_results": Whole(least=1, most=HISTORY), "page_token": Text(20)}


@reads("GET", "mlflow/metrics/get-history", **runs.RUN, metric_key=KEY, **PAGE)
def get_history(asked: Asked, *, run_id: str, run_uuid: str, metric_key: str, max_results: int | None, page_token: str) -> Answer:
    """Every point in the order in which it was reported; a curve that nobody logged has none."""
    points = _points(runs.run_of(asked, run_id, run_uuid), metric_key)
    if page_token and not (page_token.isascii() and page_token.isdigit()):
        raise InvalidInput(_("Invalid page_token: take the one that the page before gave."))
    begin, size = int(page_token or 0), max_results or HISTORY
    more = {"next_page_token": str(begin + size)} if len(points) > begin + size else {}
    return {"metrics": _written(metric_key, points[begin : begin + size]), **more}


RUNS_AT_ONCE = 100
INTERVAL = 2_500  # points of one curve


@reads("GET", "mlflow/metrics/get-history-bulk", run_id=Many(ID, most=RUNS_AT_ONCE, needed=True), metric_key=KEY, **PAGE)
def get_history_bulk(asked: Asked, *, run_id: list[str], metric_key: str, max_results: int | None, page_token: str) -> Answer:
    """The first points of one curve of several runs, `max_results` in all."""
    return {"metrics": _of_runs(asked, run_id, metric_key, lambda points: points, most=max_results or HISTORY)}


@reads(
    "GET",
    "mlflow/metrics/get-history-bulk-interval",
    run_ids=Many(ID, most=RUNS_AT_ONCE, needed=True),
    metric_key=KEY,
    start_step=Whole(),
    end_step=Whole(),
    max_results=Whole(least=1, most=INTERVAL),
)
def get_history_bulk_interval(
    asked: Asked,
    *,
    run_ids: list[str],
    metric_key: str,
    start_step: int | None,
    end_step: int | None,
    max_results: int | None,
) -> Answer:
    """Evenly chosen points of one curve of several runs between two steps, the first and the last among them."""
    first, last = -STEP if start_step is None else start_step, STEP if end_step is None else end_step
    if first > last:
        raise InvalidInput(_("end_step must be at least start_step."))

    def chosen(points: Points) -> Points:
        points = points.in_order()
        begin, end = np.searchsorted(points.steps, first), np.searchsorted(points.steps, last, side="right")
        within = points[int(begin) : int(end)]
        every = max(1, -(-len(within) // ((max_results or INTERVAL) - 1 or 1)))
        places = sorted({*range(0, len(within), every), max(len(within) - 1, 0)})
        return Points.joined([within[place : place + 1] for place in places])

    return {"metrics": _of_runs(asked, run_ids, metric_key, chosen, most=RUNS_AT_ONCE * INTERVAL)}


def _of_runs(asked: Asked, pks: list[str], metric_key: str, chosen: Any, *, most: int) -> list[dict[str, Any]]:
    """The chosen points of one run after another, `most` in all; no more than these are ever written."""
    found: list[dict[str, Any]] = []
    for run in [finding.run(asked, pk) for pk in pks]:
        if len(found) >= most:
            break
        points = chosen(_points(run, metric_key))[: most - len(found)]
        found += [{**one, "run_id": str(run.pk)} for one in _written(metric_key, points)]
    return found


def _points(run: TrainingRun, name: str) -> Points:
    chunks = MetricChunk.objects.filter(series__in=MetricSeries.objects.filter(run=run, name=name)).order_by("place")
    return Points.joined([chunk.points() for chunk in chunks])


def _written(name: str, points: Points) -> list[dict[str, Any]]:
    columns = zip(points.values.tolist(), points.times.tolist(), points.steps.tolist(), strict=True)
    return [{"key": name, "value": shapes.number(value), "timestamp": at, "step": step} for value, at, step in columns]
