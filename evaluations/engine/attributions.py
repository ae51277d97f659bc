"""Integrated gradients: how much each input value moved the model's answer away from its answer to a baseline.

Source: Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks" (2017). The path integral is taken by Gauss-Legendre
quadrature. Attributions add up to the change of the answer (completeness); what is missing tells how far they can be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.gradients import Differentiable
from evaluations.engine.tasks import Task

NODES = 50
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Attributions:
    """`values` float64 [n, ...] as the inputs, `change` [n]: answer minus the baseline's, `gap` [n]: what the sum misses."""

    values: Floats
    change: Floats
    gap: Floats


def integrated_gradients(
    model: Differentiable,
    inputs: torch.Tensor,
    baseline: torch.Tensor,
    chosen: NDArray[np.int64],
    *,
    batch: int,
    nodes: int = NODES,
) -> Attributions:
    """Attributions of the answer's column `chosen` [n] for `inputs` [n, ...] against `baseline` (one row)."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    values, changes = [], []
    for first in range(0, len(inputs), batch):
        x = inputs[first : first + batch]
        column = torch.from_numpy(chosen[first : first + batch])[:, None]

        def answer(at: torch.Tensor, column: torch.Tensor = column) -> torch.Tensor:
            return model.wide(at).gather(1, column)[:, 0]

        away = x - baseline
        total = torch.zeros(x.shape, dtype=torch.float64)
        for place, weight in zip(places, weights, strict=True):
            total += 0.5 * weight * model.gradient(answer, baseline + (0.5 + 0.5 * float(place)) * away).to(torch.float64)
        values.append((total * away.to(torch.float64)).numpy())
        with torch.no_grad():
            changes.append((answer(x) - answer(baseline.expand_as(x))).numpy())
    attributed, change = np.concatenate(values), np.concatenate(changes)
    return Attributions(attributed, change, change - attributed.reshape(len(inputs), -1).sum(axis=1))


def chosen_column(task: Task, outputs: Floats, width: int) -> NDArray[np.int64]:
    """The column of the model's own answer [n, width] to explain: of the predicted class, the likeliest label, or the number."""
    if width == 1:
        return np.zeros(len(outputs), dtype=np.int64)
    if task.name == "regression":
        return np.full(len(outputs), task.quantiles.index(0.5) if task.quantiles else 0, dtype=np.int64)
    return outputs.argmax(axis=1).astype(np.int64)


def by_position(values: Any, shape: tuple[int, ...]) -> Floats:
    """[n, ...] for the positions of a row: the channels of an image [C, H, W] are added, absolutely; all else stays as it is."""
    absolute = np.abs(np.asarray(values, dtype=np.float64))
    return absolute.sum(axis=1) if len(shape) == 3 else absolute.reshape(len(absolute), *(shape or (1,)))
