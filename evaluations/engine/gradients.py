"""Gradients of the model's answers with respect to its inputs, where the model has any."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from evaluations.engine.inference import dtype_of, forward, ready
from evaluations.engine.refusals import CannotMeasure, NotRun, first_line
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import CLASSIFICATION
from sandbox.exhaustion import is_out_of_memory

_LEAST = 1e-300  # a probability of nought has no logarithm


class Differentiable:
    """The model as a function whose gradient can be taken. Raises NotRun, with the reason, where it cannot."""

    def __init__(self, subject: Subject) -> None:
        self._model, self._dtype = subject.model, dtype_of(subject.model)
        self.task = subject.kind

    def require(self, inputs: torch.Tensor) -> None:
        """Raises NotRun unless the answer to the first of `inputs` [n, ...] depends on it in a way that can be followed."""
        if not inputs.is_floating_point():
            raise NotRun("The inputs are whole numbers (tokens), which have no neighbours to follow a gradient to.")
        self.gradient(lambda x: self.wide(x).sum(dim=1), inputs[:1])

    def wide(self, inputs: torch.Tensor) -> torch.Tensor:
        """The model's own answer as float64 [n, columns]: logits, probabilities or numbers."""
        try:
            answer = forward(self._model, ready(inputs, self._dtype), task=self.task).to(torch.float64)
        except CannotMeasure as refusal:
            raise NotRun(f"The model could not be run with gradients: {refusal}") from refusal
        return answer[:, None] if answer.dim() == 1 else answer

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """As `wide`, with probabilities turned back into logits, and both classes where a binary model answers with one."""
        wide, given = self.wide(inputs), self.task.output == "probabilities"
        if self.task.name in CLASSIFICATION and wide.shape[1] == 1:
            if given:
                return torch.cat([1.0 - wide, wide], dim=1).clamp(min=_LEAST).log()
            return torch.cat([torch.zeros_like(wide), wide], dim=1)
        if not given or self.task.name == "regression":
            return wide
        if self.task.name == "multilabel":
            return wide.clamp(min=_LEAST).log() - (1.0 - wide).clamp(min=_LEAST).log()
        return wide.clamp(min=_LEAST).log()

    def wrongness(self, inputs: torch.Tensor, targets: NDArray[Any]) -> tuple[torch.Tensor, NDArray[np.float64]]:
        """(loss [n] to climb, outputs float64 [n, K] as the main pass gives them).

        For classes the loss is the log-odds against the true class. It rises with the cross-entropy and has the same direction
        at every row, but it does not vanish where the model is sure: a gradient lost to rounding would look like robustness.
        """
        z = self.logits(inputs)
        if self.task.name == "regression":
            y = torch.from_numpy(targets.astype(np.float64))
            wide = z.detach().numpy()
            column = self.task.quantiles.index(0.5) if self.task.quantiles else 0
            return (z[:, column] - y) ** 2, wide
        y = torch.from_numpy(targets.astype(np.int64))
        if self.task.name == "multilabel":
            loss = functional.softplus(z * (1.0 - 2.0 * y)).sum(dim=1)
            return loss.clamp(min=_LEAST).log(), torch.sigmoid(z.detach()).numpy()
        own = functional.one_hot(y, z.shape[1]).to(torch.bool)
        others = z.masked_fill(own, -torch.inf).logsumexp(dim=1)
        return others - z.gather(1, y[:, None])[:, 0], torch.softmax(z.detach(), dim=1).numpy()

    def climb(self, inputs: torch.Tensor, targets: NDArray[Any]) -> tuple[torch.Tensor, NDArray[np.float64]]:
        """(gradient of the wrongness at `inputs`, the outputs there), from one pass."""
        said: list[NDArray[np.float64]] = []

        def loss(x: torch.Tensor) -> torch.Tensor:
            wrong, outputs = self.wrongness(x, targets)
            said.append(outputs)
            return wrong

        return self.gradient(loss, inputs), said[0]

    def gradient(self, scalar: Any, inputs: torch.Tensor) -> torch.Tensor:
        """d sum(scalar(x)) / dx at `inputs`, [n, ...] in the type of `inputs`; `scalar` gives one number for each row."""
        with torch.enable_grad():
            x = inputs.detach().clone().requires_grad_()
            value = scalar(x)
            if not value.requires_grad:
                raise NotRun(
                    "The model's answers carry no gradient: it was exported without one, or it rounds or counts inside. Submit "
                    "the weights with their architecture, or export the program with gradients, to have this measured."
                )
            try:
                found = torch.autograd.grad(value.sum(), x, allow_unused=True)[0]
            except Exception as error:
                if is_out_of_memory(error):
                    raise MemoryError(str(error)) from error
                raise NotRun(f"The gradient of the model's answers could not be computed: {first_line(error)}") from error
        if found is None:
            raise NotRun("The model's answers do not depend on the inputs in a way that a gradient can follow.")
        return torch.nan_to_num(found.detach())
