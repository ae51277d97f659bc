"""From a model and rows to answers: one pass, batch by batch, deterministic."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.data import Data
from evaluations.engine.refusals import CannotMeasure, first_line
from evaluations.engine.tasks import Task
from sandbox.exhaustion import is_out_of_memory

Seen = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Answers:
    """A chunk of rows with the model's answers.

    `inputs` [n, ...]; `targets`, `outputs` and `predicted` as `evaluations.engine.tasks` says for the task; `columns` holds the
    codes int64 [n] of the further columns (slices, group, row id), -1 where a value is missing.
    """

    first_row: int
    inputs: torch.Tensor
    targets: NDArray[Any]
    outputs: NDArray[np.float64]
    predicted: NDArray[Any]
    columns: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """The outputs of a classification task under their usual name."""
        return self.outputs


def settle(*, seed: int, threads: int) -> None:
    """Fix what could make two runs differ: seeds, threads, algorithms."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # for models that draw from numpy's global generator
    torch.manual_seed(seed)
    torch.set_num_threads(max(1, threads))
    torch.use_deterministic_algorithms(True, warn_only=True)


def dtype_of(model: torch.nn.Module) -> torch.dtype:
    """The type of number that the model computes with: half-precision weights take half-precision inputs."""
    return next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)


def ready(inputs: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Inputs as the model takes them: numbers in its own type, whole numbers (tokens) as they are."""
    return inputs.to(dtype) if inputs.is_floating_point() else inputs


def forward(model: torch.nn.Module, batch: torch.Tensor, *, task: Task) -> torch.Tensor:
    """The model's own answer to one batch; an answer whose shape does not fit the task is refused with a sentence."""
    try:
        answer = model(batch)
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise CannotMeasure(
            f"The model cannot be applied to this data: rows have the shape {list(batch.shape[1:])}, and it said: "
            f"{first_line(error)}"
        ) from error
    if isinstance(answer, dict):
        answer = answer.get("logits")
    elif isinstance(answer, (tuple, list)) and answer:
        answer = answer[0]
    if not isinstance(answer, torch.Tensor) or not task.fits(answer, len(batch)):
        shape = list(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise CannotMeasure(f"The model answered {len(batch)} rows with {shape} instead of {_wanted(task)}.")
    return answer


def _wanted(task: Task) -> str:
    if task.quantiles:
        return f"one number for each of its {task.width} quantiles; check the quantiles that were declared with the model"
    if task.name in ("regression", "ranking"):
        return "one number for each row"
    either = " (or the positive one alone)" if task.name == "binary" else ""
    return f"one number for each of its {task.width} classes{either}; check the classes that were declared with the model"


def outputs_of(
    model: torch.nn.Module, inputs: torch.Tensor, *, task: Task, batch: int, first_row: int = 0, seen: Seen = lambda done: None
) -> NDArray[np.float64]:
    """float64 [n, width]: the model's outputs for any inputs, batch by batch; `seen` is told the number of the next row."""
    dtype, done = dtype_of(model), first_row
    pictures = inputs.dim() == 4 and any(isinstance(part, torch.nn.Conv2d) for part in model.modules())
    parts: list[torch.Tensor] = []
    with torch.inference_mode():
        for rows in inputs.split(batch):
            given = ready(rows, dtype)
            if pictures:  # as the weights lie: see evaluations.engine.fitting
                given = given.contiguous(memory_format=torch.channels_last)
            parts.append(forward(model, given, task=task))
            done += len(rows)
            seen(done)
        return task.outputs(torch.cat(parts) if len(parts) > 1 else parts[0])


def answers(model: torch.nn.Module, data: Data, *, task: Task, batch: int, seen: Seen = lambda done: None) -> Iterator[Answers]:
    """The model's answers to all of `data`, in chunks; `seen` is told after each batch how many rows are done."""
    for chunk in data.chunks():
        first = chunk.first_row
        targets = task.targets(chunk.targets, first_row=first)
        outputs = outputs_of(model, chunk.inputs, task=task, batch=batch, first_row=first, seen=seen)
        outputs = task.checked(outputs, first_row=first)
        yield Answers(first, chunk.inputs, targets, outputs, task.predicted(outputs), chunk.columns)
