"""The tasks that a model may have: what its targets and answers look like, and what it predicts from its answers.

| task | targets | outputs | predicted |
|---|---|---|---|
| multiclass | int64 [n], class numbers | probabilities float64 [n, K] | int64 [n] |
| binary | int64 [n], 0 or 1; `classes[1]` is the positive class | probabilities float64 [n, 2] | int64 [n] |
| multilabel | int64 [n, K], 0 or 1 | probabilities float64 [n, K], each alone | int64 [n, K], at 0.5 |
| regression | float64 [n] | float64 [n, 1], or [n, Q] of declared quantiles | float64 [n], value or median |
| ranking | float64 [n], relevance of at least 0 | float64 [n, 1], score | float64 [n] |
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.refusals import CannotMeasure
from measures.scores import checked_probabilities

TASKS = ("binary", "multiclass", "multilabel", "regression", "ranking")
CLASSIFICATION = frozenset({"binary", "multiclass"})
OUTPUTS = ("logits", "probabilities")
MOST_CLASSES = 2_000  # a confusion table of 32 MB
MOST_QUANTILES = 99
WHOLE = ("I64", "I32", "U8", "BOOL")
_SLACK = 1e-6  # by which a probability may leave 0..1 through rounding


@dataclass(frozen=True, slots=True)
class Task:
    """One task with the classes it was declared with. Raises CannotMeasure where the declaration does not fit the task."""

    name: str
    classes: list[str]
    output: str = "logits"
    quantiles: tuple[float, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        if self.name not in TASKS:
            raise CannotMeasure(f"The task {self.name!r} cannot be measured; what can be is {', '.join(TASKS)}.")
        if self.output not in OUTPUTS:
            raise CannotMeasure(f"A model answers with {' or '.join(OUTPUTS)}, not with {self.output!r}.")
        if self.name == "regression":
            object.__setattr__(self, "quantiles", _quantiles(self.classes))
            return
        if self.name == "ranking":
            return
        least = 1 if self.name == "multilabel" else 2
        if not least <= len(self.classes) <= MOST_CLASSES or len(set(self.classes)) != len(self.classes):
            raise CannotMeasure(f"The model declares its classes: {least} to {MOST_CLASSES:,}, each by a name of its own.")
        if self.name == "binary" and len(self.classes) != 2:
            raise CannotMeasure(
                f"A binary model declares two classes, the positive one last, not {len(self.classes)}; "
                "with more classes its task is multiclass."
            )

    @property
    def width(self) -> int:
        """The number of columns of `outputs`."""
        if self.name == "regression":
            return max(1, len(self.quantiles))
        return 1 if self.name == "ranking" else len(self.classes)

    @property
    def target_types(self) -> tuple[str, ...]:
        """The types, in the words of safetensors, that targets may be stored with."""
        if self.name == "multilabel":
            return WHOLE
        if self.name == "regression":
            return ("F32", "F64")
        return ("F32", "F64", *WHOLE) if self.name == "ranking" else ("I64",)

    @property
    def target_shape(self) -> tuple[int, ...]:
        """The shape of one row's target."""
        return (len(self.classes),) if self.name == "multilabel" else ()

    def targets(self, stored: NDArray[Any], *, first_row: int) -> NDArray[Any]:
        """The targets of a chunk as the table above says; refuses values that the task cannot have."""
        if self.name in CLASSIFICATION:
            return self._classes(stored.astype(np.int64, copy=False), first_row)
        if self.name == "multilabel":
            whole = stored.astype(np.int64, copy=False)
            wrong = ((whole < 0) | (whole > 1)).any(axis=1)
            _refuse_first(wrong, first_row, "Row %d of the data set has a label that is neither 0 nor 1, as each label must be.")
            return whole
        wide = stored.astype(np.float64)
        _refuse_first(~np.isfinite(wide), first_row, "Row %d of the data set has a target that is not a finite number.")
        if self.name == "ranking":
            _refuse_first(wide < 0, first_row, "Row %d of the data set has a negative relevance; 0 means not relevant.")
        return wide

    def _classes(self, targets: NDArray[np.int64], first_row: int) -> NDArray[np.int64]:
        k = len(self.classes)
        wrong = (targets < 0) | (targets >= k)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise CannotMeasure(
                f"Row {first_row + row} of the data set has the target {int(targets[row])}, but the model's classes are numbered "
                f"0 to {k - 1}."
            )
        return targets

    def fits(self, answer: torch.Tensor, rows: int) -> bool:
        """Whether an answer to so many rows has a shape that the task can have."""
        shape = tuple(answer.shape)
        if shape == (rows, self.width):
            return True
        return shape in ((rows,), (rows, 1)) and (self.name == "binary" or self.width == 1)

    def outputs(self, answer: torch.Tensor) -> NDArray[np.float64]:
        """float64 [n, width] from an answer that `fits`: probabilities where the task has them, the numbers themselves else."""
        wide = answer.to(torch.float64)
        wide = wide[:, None] if wide.dim() == 1 else wide
        if self.name in ("regression", "ranking"):
            return wide.numpy()
        if self.name == "multilabel":
            return (torch.sigmoid(wide) if self.output == "logits" else wide).numpy()
        if wide.shape[1] == 1:
            positive = torch.sigmoid(wide) if self.output == "logits" else wide
            return torch.cat([1.0 - positive, positive], dim=1).numpy()
        return (torch.softmax(wide, dim=1) if self.output == "logits" else wide).numpy()

    def checked(self, outputs: NDArray[np.float64], *, first_row: int) -> NDArray[np.float64]:
        """The outputs of a chunk, if every number is finite and, for probabilities, possible."""
        finite = np.isfinite(outputs).all(axis=1)
        _refuse_first(~finite, first_row, "The model answered row %d with numbers that are not finite (NaN or infinite).")
        if self.output == "probabilities" and self.name in CLASSIFICATION:
            return checked_probabilities(outputs)
        if self.output == "probabilities" and self.name == "multilabel":
            outside = ((outputs < -_SLACK) | (outputs > 1.0 + _SLACK)).any(axis=1)
            _refuse_first(outside, first_row, "The model answered row %d with a number outside 0 to 1, which is no probability.")
            return np.clip(outputs, 0.0, 1.0)
        return outputs

    def predicted(self, outputs: NDArray[np.float64]) -> NDArray[Any]:
        """What the outputs say: a class, labels at 0.5, or a number."""
        if self.name in CLASSIFICATION:
            return outputs.argmax(axis=1)
        if self.name == "multilabel":
            return (outputs >= 0.5).astype(np.int64)
        return outputs[:, self.quantiles.index(0.5) if self.quantiles else 0]


def _quantiles(declared: list[str]) -> tuple[float, ...]:
    """The quantiles that a regression model answers with, declared in place of classes: none, or rising levels with 0.5."""
    if not declared:
        return ()
    try:
        levels = tuple(float(text) for text in declared)
    except ValueError:
        levels = ()
    rising = all(a < b for a, b in itertools.pairwise(levels))
    if not (levels and rising and levels[0] > 0.0 and levels[-1] < 1.0 and 0.5 in levels and len(levels) <= MOST_QUANTILES):
        raise CannotMeasure(
            "A regression model declares no classes, or the quantiles that it answers with: rising numbers between 0 and 1, "
            "0.5 among them."
        )
    return levels


def _refuse_first(wrong: Any, first_row: int, sentence: str) -> None:
    if wrong.any():
        raise CannotMeasure(sentence % (first_row + int(np.argmax(wrong))))
