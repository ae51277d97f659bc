"""What the version now in production answered to the same rows: its predictions file, read chunk by chunk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from evaluations.engine.refusals import NotRun
from evaluations.engine.subject import Subject

PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Former:
    """`predicted` and, where they were kept, `probabilities` of the version in production, for `rows` rows."""

    path: Path
    rows: int
    with_probabilities: bool

    def read(self, first_row: int, rows: int) -> tuple[NDArray[Any], NDArray[np.float64] | None]:
        """(predicted, probabilities) of the rows from `first_row` on."""
        part = slice(first_row, first_row + rows)
        with safe_open(self.path, framework="numpy") as file:
            predicted = file.get_slice("predicted")[part]
            p = file.get_slice("probabilities")[part].astype(np.float64) if self.with_probabilities else None
        return predicted, p


def former_of(subject: Subject) -> Former:
    """The predictions of the version in production, if they are of the same task, classes and number of rows; else NotRun."""
    path = subject.others.get(PRODUCTION)
    if path is None:
        raise NotRun(
            "No version of this model is in production with answers to the same data, so there is nothing to compare with."
        )
    width = len(subject.classes)
    want = [subject.rows, width] if subject.task == "multilabel" else [subject.rows]
    try:
        with safe_open(path, framework="numpy") as file:
            shapes = {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - a file, not a dictionary
            whole = np.issubdtype(file.get_slice("predicted")[0:0].dtype, np.integer) if "predicted" in shapes else False
            if whole and subject.rows and subject.task in ("binary", "multiclass"):
                _classes(file.get_slice("predicted")[:], width)
    except (SafetensorError, OSError) as error:
        raise NotRun(f"The predictions of the version in production cannot be read ({error}).") from error
    predicted = shapes.get("predicted")
    if predicted is None or whole != (subject.task != "regression"):
        raise NotRun("The version in production has another task, so the two cannot be compared row by row.")
    if predicted != want:
        rows = predicted[0] if predicted else 0
        raise NotRun(
            f"The version in production answered {rows:,} rows and this one {subject.rows:,}, or it has other labels; both must "
            "be measured on the same data."
        )
    return Former(path, subject.rows, shapes.get("probabilities") == [subject.rows, width] and width > 0)


def _classes(predicted: NDArray[np.integer], width: int) -> None:
    if predicted.min() < 0 or predicted.max() >= width:
        raise NotRun(f"The version in production predicts classes that this one, with {width}, does not have.")
