"""The entry of the sandboxed child: a job and two files in, a result and the predictions out."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import scipy
import torch

from evaluations.engine.checks import CHECKS
from evaluations.engine.data import Data, open_data
from evaluations.engine.devices import CPU, name_of, placed
from evaluations.engine.fitting import laid_out, rows_that_fit
from evaluations.engine.inference import answers, settle
from evaluations.engine.predictions import Predictions
from evaluations.engine.progress import Progress
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.selection import select, weights_digest
from evaluations.engine.subject import Check, Subject
from evaluations.engine.tasks import Task
from measures.estimate import NotMeasurable
from models_registry.inspection.formats import ENOUGH_FOR_PROGRAMS, PROGRAMS
from sandbox.exhaustion import is_out_of_memory

FILES = ("checkpoint", "dataset", "rows")  # what the pass itself reads; other inputs are for the checks
GROUP = "group"  # the column whose rows belong together, where the declaration names no other


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """The result as JSON (metrics, charts, reference, resources, versions, rows), or {"error": one sentence} when the model
    and the data do not go together. Writes `predictions.safetensors` and `progress.jsonl` into `out`."""
    try:
        return measure(job, inputs, out)
    except (CannotMeasure, NotMeasurable) as refusal:
        return {"error": str(refusal)}


def measure(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """As `main`, but a refusal is raised."""
    task = Task(job.get("task", ""), [str(name) for name in job.get("classes") or []], job.get("output", "logits"))
    settle(seed=job.get("seed", 0), threads=job.get("threads", 1))
    whole = open_data(inputs["dataset"], task=task, reading=job.get("reading"))
    data: Data = select(whole, inputs["rows"]) if "rows" in inputs else whole
    device = str(job.get("device", CPU))
    model = placed(laid_out(load(inputs["checkpoint"], job)), device)
    batch = int(job.get("batch") or rows_that_fit(model, data.shape))
    settle(seed=job.get("seed", 0), threads=job.get("threads", 1))  # anew: trying the batch may have drawn numbers
    subject = Subject(
        model,
        task.name,
        task.classes,
        data.rows,
        max(1, batch),
        torch.get_num_threads(),
        seed=job.get("seed", 0),
        output=task.output,
        columns=data.columns,
        group=_group(job, data),
        others={name: path for name, path in inputs.items() if name not in FILES},
        reading=job.get("reading"),
    )
    checks, not_run = _checks(job["checks"], subject)
    progress = Progress(out / "progress.jsonl", data.rows)
    progress(0)
    with Predictions(out / "predictions.safetensors", rows=data.rows, task=task) as predictions:
        for chunk in answers(model, data, task=task, batch=subject.batch, seen=progress):
            for check in checks.values():
                check.see(chunk)
            predictions.see(chunk)
    result: dict[str, Any] = {
        "metrics": [],
        "charts": [],
        "reference": {},
        "resources": {},
        "not_run": not_run,
        "versions": {**_versions(), "device": name_of(device)},
        "rows": data.rows,
        "batch": subject.batch,
        "weights": weights_digest(model) if "rows" in inputs else "",
    }
    for name, check in checks.items():
        progress(data.rows, stage=name)
        try:
            found = check.finish()
        except NotRun as reason:
            not_run.append({"check": name, "reason": str(reason)})
            continue
        result["metrics"] += [dataclasses.asdict(metric) for metric in found.metrics]
        result["charts"] += [{**chart.as_json(), "check": name} for chart in found.charts]
        result.update(found.facts)
    return result


def _group(job: dict[str, Any], data: Data) -> str | None:
    """The column whose rows belong together: the one that the declaration names, or the one called `group`."""
    named = (job.get("reading") or {}).get("group")
    if named is not None and named not in data.columns:
        raise CannotMeasure(f"The column {named!r}, which says what rows belong together, is not in the data set.")
    return named or (GROUP if GROUP in data.columns else None)


def load(path: Path, job: dict[str, Any]) -> torch.nn.Module:
    """The model of `job`'s format and architecture, in eval mode. Raises CannotMeasure; MemoryError where memory ran out."""
    from models_registry.inspection.loading import load_model  # noqa: PLC0415 - nothing is loaded before the job is checked

    if job["format"] in PROGRAMS and job.get("level") not in ENOUGH_FOR_PROGRAMS:
        raise CannotMeasure(
            f"A program is run in a sandbox of level L2 or better only, and this one reached {job.get('level') or 'no level'}."
        )
    loader: Callable[..., torch.nn.Module] = load_model
    try:
        model = loader(path, job["format"], job.get("architecture"))
    except Exception as error:  # whatever a foreign checkpoint raises becomes one sentence
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error  # the sandbox names its limit
        why = str(error).strip() or type(error).__name__
        raise CannotMeasure(f"The checkpoint could not be loaded for measuring: {why[:500]}") from error
    return model.eval()


def _checks(asked: list[dict[str, Any]], subject: Subject) -> tuple[dict[str, Check], list[dict[str, str]]]:
    """The checks by name, and those that cannot be made, each with the reason: their thresholds stay unmet."""
    checks: dict[str, Check] = {}
    not_run: list[dict[str, str]] = []
    for one in asked:
        parameters = dict(one)
        name = str(parameters.pop("name", ""))
        try:
            checks[name] = _made(name, parameters, subject, taken=checks)
        except NotRun as reason:
            not_run.append({"check": name, "reason": str(reason)})
    return checks, not_run


def _made(name: str, parameters: dict[str, Any], subject: Subject, *, taken: Container[str]) -> Check:
    if name not in CHECKS or name in taken:
        raise NotRun(f"The check {name!r} is {'named twice' if name in taken else 'not known to this version'}.")
    if subject.task not in CHECKS[name].TASKS:
        raise NotRun(f"The check {name!r} cannot be made of a model whose task is {subject.task}.")
    try:
        check: Check = CHECKS[name](subject, **parameters)
    except TypeError as error:
        raise CannotMeasure(f"The suite gives the check {name!r} parameters that it does not have: {error}.") from error
    return check


def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "safetensors": safetensors.__version__,
        "machine": platform.machine(),
    }
