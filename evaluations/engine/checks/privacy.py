"""Whether the model gives away who was in its training data: membership inference by the loss of each row."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.exchangeable import features_of, told_apart
from evaluations.engine.findings import Chart, Findings, Metric, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.sample import chosen_rows
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import CLASSIFICATION, Task
from evaluations.engine.training import chunks_of, training_of
from evaluations.engine.yardstick import TASKS, Floats
from measures.auc import auc
from measures.estimate import CONFIDENCE, Estimate
from measures.membership import FALSE_ALARMS, found_at
from measures.scores import log_losses

NAME = "privacy"
ROWS = 10_000  # a side
FEWEST = 1_000  # rows a side; with fewer the numbers are shown, but no threshold is met by them
_LEAST = 1e-300
FALSE_ALARMS_SHOWN = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Privacy:
    """How well the loss of a row tells whether the model was trained on it: the area under the curve, and the share of training
    rows found at 1 % of false alarms, after asking whether both sides could be told apart without the model.

    One attack's success is a lower bound on what can be learned: a low number is no guarantee.
    """

    TASKS: ClassVar[frozenset[str]] = TASKS
    OTHERS: ClassVar[frozenset[str]] = frozenset({"training"})

    def __init__(self, subject: Subject, *, rows: int = ROWS, confidence: float = CONFIDENCE) -> None:
        self._subject, self._rows, self._confidence = subject, max(1, int(rows)), confidence
        self._task = subject.kind
        self._training = training_of(subject)
        self._chosen = chosen_rows(subject.rows, most=self._rows, seed=subject.seed)
        self._losses: list[Floats] = []
        self._features: list[Floats] = []
        self._shape: tuple[int, ...] = ()

    def see(self, answers: Answers) -> None:
        self._shape = tuple(answers.inputs.shape[1:])
        own = _own(self._chosen, answers.first_row, len(answers.targets))
        if own.size:
            self._losses.append(losses_of(self._task, answers.outputs[own], answers.targets[own]))
            self._features.append(features_of(answers.inputs[torch.from_numpy(own)], answers.targets[own]))

    def finish(self) -> Findings:
        others, other_features = np.concatenate(self._losses), np.concatenate(self._features)
        members, features = self._members()
        told = told_apart(features, other_features, seed=self._subject.seed, confidence=self._confidence)
        area = auc(
            -np.concatenate([members, others]),
            np.concatenate([np.ones(members.size, dtype=bool), np.zeros(others.size, dtype=bool)]),
            confidence=self._confidence,
        )
        found = found_at(-members, -others, confidence=self._confidence)
        few = "" if min(members.size, others.size) >= FEWEST else "_few_rows"
        metrics: list[Metric] = [
            estimated(NAME, f"membership_auc{few}", area, unit="proportion"),
            estimated(NAME, f"members_found{few}", found, unit="proportion", label="1 % false alarms"),
            estimated(NAME, "exchangeability_auc", told, unit="proportion"),
        ]
        return Findings(metrics=metrics, charts=[self._chart(members, others, area, found, told)])

    def _members(self) -> tuple[Floats, Floats]:
        """(losses, features) of the training rows that are drawn."""
        chosen = chosen_rows(self._training.rows, most=self._rows, seed=self._subject.seed)
        losses, features = [], []
        for chunk in chunks_of(self._training, shape=self._shape):
            own = _own(chosen, chunk.first_row, len(chunk.targets))
            if not own.size:
                continue
            inputs = chunk.inputs[torch.from_numpy(own)]
            try:
                targets = self._task.targets(chunk.targets, first_row=chunk.first_row)[own]
                losses.append(losses_of(self._task, self._subject.answer(inputs), targets))
            except CannotMeasure as refusal:
                raise NotRun(f"The model cannot be held against the training data: {refusal}") from refusal
            features.append(features_of(inputs, targets))
        return np.concatenate(losses), np.concatenate(features)

    def _chart(self, members: Floats, others: Floats, area: Estimate, found: Estimate, told: Estimate) -> Chart:
        rows = [
            {"series": series, "x": rate * 100, "y": value * 100}
            for rate in FALSE_ALARMS_SHOWN
            for series, value in (
                ("loss of the row", found_at(-members, -others, false_alarms=rate, confidence=self._confidence).value),
                ("guessing", rate),
            )
        ]
        description = (
            f"An attacker who holds the loss of a row against a threshold orders a training row before another one with the "
            f"probability {area.value:.3f} ({_interval(area)}; 0.5 is guessing), and finds {found.value * 100:.1f} % of the "
            f"training rows at {FALSE_ALARMS * 100:g} % false alarms, over {members.size:,} training rows and {others.size:,} "
            "others. "
        )
        if min(members.size, others.size) < FEWEST:
            description += f"Fewer than {FEWEST:,} rows a side settle nothing, so no threshold is met by these numbers. "
        if told.low is not None and told.low > 0.5:
            description += (
                f"But both sides can be told apart without the model ({told.value:.3f}, {_interval(told)}): they are not drawn "
                "alike, so a part of what is found, or all of it, may be that difference. "
            )
        else:
            description += f"Without the model both sides are not told apart ({told.value:.3f}, {_interval(told)}). "
        description += "This is one attack, a lower bound on what can be learned: a low number is no guarantee."
        columns = [
            {"key": "series", "title": "Attack"},
            {"key": "x", "title": "False alarms, %"},
            {"key": "y", "title": "Training rows found, %"},
        ]
        more = {"x_title": "False alarms, %", "y_title": "Training rows found, %", "check": NAME}
        return Chart("membership", "Training rows that can be recognised", "lines", columns, rows, description, more)


def losses_of(task: Task, outputs: Floats, targets: NDArray[Any]) -> Floats:
    """[n]: log-loss of classes, the sum over the labels, the squared error."""
    if task.name in CLASSIFICATION:
        return log_losses(outputs, targets)
    if task.name == "multilabel":
        own = np.where(targets > 0, outputs, 1.0 - outputs)
        return -np.log(np.clip(own, _LEAST, 1.0)).sum(axis=1)  # type: ignore[no-any-return] # floats
    return (task.predicted(outputs) - targets) ** 2  # type: ignore[no-any-return] # floats


def _own(chosen: NDArray[np.int64], first: int, rows: int) -> NDArray[np.int64]:
    """Which of the rows from `first` on are chosen, counted from `first`."""
    low, high = np.searchsorted(chosen, [first, first + rows])
    return chosen[low:high] - first


def _interval(e: Estimate) -> str:
    low, high = (e.low or 0.0), (1.0 if e.high is None else e.high)
    return f"{e.confidence * 100:g} % interval {low:.3f}–{high:.3f}"
