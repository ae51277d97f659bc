"""Whether the same rows get the same answers when only the circumstances change: again, alone, on two threads, in bfloat16."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch

from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, counted, estimated
from evaluations.engine.inference import Answers, dtype_of, forward, ready
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.sample import Sample
from evaluations.engine.subject import Subject
from evaluations.engine.yardstick import Floats
from measures.estimate import CONFIDENCE
from measures.proportions import proportion
from sandbox.exhaustion import is_out_of_memory

NAME = "stability"
ROWS = 256
BATCH = 64
AGAIN, ALONE, THREADS, SHORT = "run again", "one row at a time", "two threads", "bfloat16"


class Stability:
    """On a sample of rows: the rows whose answer is not bit for bit the same when asked again, and for batches of one row, two
    threads and bfloat16 the share of rows that are predicted otherwise and the greatest change of an answer.

    It shows what these circumstances do on this machine; another processor rounds in its own way.
    """

    TASKS: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass", "multilabel", "regression", "ranking"})

    def __init__(self, subject: Subject, *, rows: int = ROWS, confidence: float = CONFIDENCE) -> None:
        self._subject, self._confidence = subject, confidence
        self._task = subject.kind
        self._sample = Sample(most=rows, seed=subject.seed)

    def see(self, answers: Answers) -> None:
        self._sample.see(answers)

    def finish(self) -> Findings:
        model, inputs = self._subject.model, self._sample.inputs
        first = self._answers(model, inputs, BATCH)
        others: dict[str, Floats] = {
            AGAIN: self._answers(model, inputs, BATCH),
            ALONE: self._answers(model, inputs, 1),
            THREADS: self._on_two_threads(lambda: self._answers(model, inputs, BATCH)),
        }
        unmade = ""
        if dtype_of(model) == torch.float32:
            try:
                others[SHORT] = self._in_bfloat16(inputs)
            except CannotMeasure as refusal:
                unmade = f" In bfloat16 it could not be run: {refusal}"
        differs = (first != others[AGAIN]).any(axis=1) & ~(np.isnan(first) & np.isnan(others[AGAIN])).all(axis=1)
        again = int(differs.sum())
        metrics = [counted(NAME, "rerun_differences", again, n=len(first), method="counted", unit="count")]
        for label, answers in others.items():
            metrics += self._compared(first, answers, label)
        return Findings(metrics=metrics, charts=[self._chart(metrics, again, len(first), unmade)])

    def _compared(self, first: Floats, other: Floats, label: str) -> list[Metric]:
        n, change = len(first), np.abs(first - other)
        greatest = float(np.nanmax(np.where(np.isfinite(change), change, 0.0)))
        metrics = [
            Metric(NAME, "greatest_change", label, greatest, None, None, None, "counted, greatest of all rows", n, "score"),
        ]
        if self._task.name in ("regression", "ranking"):
            return metrics
        before, after = (self._task.predicted(self._task.outputs(torch.from_numpy(one))) for one in (first, other))
        flipped = (before != after).reshape(n, -1).any(axis=1)
        share = proportion(int(flipped.sum()), n, confidence=self._confidence)
        return [*metrics, estimated(NAME, "changed_predictions", share, unit="proportion", label=label)]

    def _answers(self, model: torch.nn.Module, inputs: torch.Tensor, batch: int) -> Floats:
        """The model's own numbers, float64 [n, columns], before any softmax."""
        dtype = dtype_of(model)
        with torch.inference_mode():
            parts = [forward(model, ready(rows, dtype), task=self._task).to(torch.float64) for rows in inputs.split(batch)]
            whole = torch.cat(parts)
        return (whole[:, None] if whole.dim() == 1 else whole).numpy()

    def _on_two_threads(self, run: Callable[[], Floats]) -> Floats:
        before = torch.get_num_threads()
        torch.set_num_threads(2 if before == 1 else 1)
        try:
            return run()
        finally:
            torch.set_num_threads(before)

    def _in_bfloat16(self, inputs: torch.Tensor) -> Floats:
        """The answers of a copy whose weights are rounded to bfloat16. Raises CannotMeasure where it cannot be run so."""
        try:
            short = copy.deepcopy(self._subject.model).to(torch.bfloat16)
        except Exception as error:
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from error
            raise CannotMeasure(f"its weights cannot be copied ({type(error).__name__}).") from error
        return self._answers(short, inputs, BATCH)

    def _chart(self, metrics: list[Metric], again: int, n: int, unmade: str) -> Chart:
        flips = [one for one in metrics if one.name == "changed_predictions"]
        shown = flips or [one for one in metrics if one.name == "greatest_change"]
        rows = [{"label": one.label, "value": one.value, "low": one.low, "high": one.high, "n": one.n} for one in shown]
        said = "; ".join(f"{one.label} {one.value:.2g}" for one in metrics if one.name == "greatest_change")
        rerun = (
            "Asked again, every row gets bit for bit the same answer."
            if not again
            else (
                f"Asked again, {again:,} of {n:,} rows get another answer: it draws at random or keeps something in mind, so "
                "no number of it can be repeated."
            )
        )
        description = f"{rerun} Greatest change of an answer over {n:,} rows, drawn from all: {said}.{unmade}"
        what = "Rows predicted otherwise" if flips else "Greatest change of an answer"
        columns = bar_columns("Circumstance", what)
        more = {"unit": "proportion" if flips else "score", "check": NAME, "metric": shown[0].name}
        more |= {"x_title": what, "y_title": "Circumstance"}
        return Chart("changed_predictions", "The same rows in other circumstances", "bars", columns, rows, description, more)
