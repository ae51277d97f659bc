"""What is measured, and the shape that every check has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.findings import Findings
from evaluations.engine.inference import Answers, outputs_of
from evaluations.engine.tasks import Task
from measures.blocks import keys_of


@dataclass(frozen=True, slots=True)
class Subject:
    """The model in eval mode, its task and class names, the rows there are, and how it is run.

    `columns` gives the names behind the codes of the further columns (an empty list: the codes are plain numbers), `group` the
    column whose rows belong together (a patient, a user), `others` the further input files of the job: `training` (a data set)
    and `production` (the predictions of the version now in use, on the same data). `reading` says how data files are read.
    """

    model: torch.nn.Module
    task: str
    classes: list[str]
    rows: int
    batch: int
    threads: int
    seed: int
    output: str = "logits"
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    group: str | None = None
    others: Mapping[str, Path] = field(default_factory=dict)
    reading: Mapping[str, Any] | None = None

    @property
    def kind(self) -> Task:
        """The task with its classes and outputs: how targets and answers are read."""
        return Task(self.task, self.classes, self.output)

    def answer(self, inputs: torch.Tensor) -> NDArray[np.float64]:
        """The outputs for any inputs [n, ...], exactly as the main pass computes them; refuses answers that are not finite."""
        task = self.kind
        return task.checked(outputs_of(self.model, inputs, task=task, batch=self.batch), first_row=0)

    def groups_of(self, answers: Answers) -> NDArray[np.int64] | None:
        """The group [n] of each row of a chunk, a row of which it is missing alone; None where rows do not belong together."""
        return None if self.group is None else keys_of(answers.columns[self.group], first_row=answers.first_row)


class Check(Protocol):
    """Sees every chunk of answers once, in order; then says what it found.

    `TASKS` are the tasks that it can measure, `OTHERS` the further inputs that the job should bring for it (none where it has no
    such attribute). The constructor takes the subject and the suite's parameters by keyword. The
    constructor and `finish` may raise NotRun: then the check stands in the result as not made, with the reason.
    """

    TASKS: ClassVar[frozenset[str]]

    def see(self, answers: Answers) -> None: ...

    def finish(self) -> Findings: ...
