"""Rows that stand both in the training data and in the data of the evaluation: what a model remembers, it need not know."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.subject import Subject
from evaluations.engine.training import chunks_of, training_of
from measures.estimate import CONFIDENCE
from measures.proportions import proportion

NAME = "overlap"
MOST_ROWS = 5_000_000  # whose hashes are held: 16 bytes a row, and as much again while they are sorted
EXAMPLES = 5
BOTH, ALONE = "inputs and target", "inputs alone"
Hashes = NDArray[np.uint64]


@dataclass
class _Known:
    """The hashes of the evaluation's rows, and what was found of them in the training data."""

    hashes: Hashes
    rows: NDArray[np.int64]
    distinct: Hashes = field(init=False)
    first: NDArray[np.int64] = field(init=False)  # the first row with each distinct hash
    times: NDArray[np.int64] = field(init=False)
    found_at: NDArray[np.int64] = field(init=False)  # the first training row with it, -1 where there is none
    training_rows: int = 0

    def __post_init__(self) -> None:
        self.distinct, index, self.times = np.unique(self.hashes, return_index=True, return_counts=True)
        self.first = self.rows[index]
        self.found_at = np.full(self.distinct.size, -1, dtype=np.int64)

    def meet(self, hashes: Hashes, rows: NDArray[np.int64]) -> None:
        """Take note of training rows."""
        if not self.distinct.size:
            return
        place = np.minimum(np.searchsorted(self.distinct, hashes), self.distinct.size - 1)
        same = self.distinct[place] == hashes
        self.training_rows += int(same.sum())
        places, rows = place[same][::-1], rows[same][::-1]  # backwards, so that the first of several stays
        new = self.found_at[places] < 0
        self.found_at[places[new]] = rows[new]

    @property
    def shared(self) -> int:
        """Rows of the evaluation that stand in the training data."""
        return int(self.times[self.found_at >= 0].sum())

    @property
    def repeated(self) -> int:
        """Rows of the evaluation that repeat an earlier one."""
        return int(self.hashes.size - self.distinct.size)

    def examples(self) -> list[tuple[int, int]]:
        """(row of the evaluation, row of the training data), the first few."""
        found = np.flatnonzero(self.found_at >= 0)
        chosen = found[np.argsort(self.first[found], kind="stable")][:EXAMPLES]
        return [(int(self.first[i]), int(self.found_at[i])) for i in chosen]


class Overlap:
    """The share of rows that stand in the training data, byte for byte, with their target and without; the share of training
    rows that stand here; rows that repeat others.

    Rows that are nearly the same (cropped, rounded, of the same person) are not found.
    """

    TASKS: ClassVar[frozenset[str]] = frozenset({"binary", "multiclass", "multilabel", "regression", "ranking"})
    OTHERS: ClassVar[frozenset[str]] = frozenset({"training"})

    def __init__(self, subject: Subject, *, most_rows: int = MOST_ROWS, confidence: float = CONFIDENCE) -> None:
        self._subject, self._confidence = subject, confidence
        self._training = training_of(subject)
        self._task = subject.kind
        share = min(1.0, max(1, most_rows) / max(1, subject.rows))
        # Rows with small hashes of their inputs are held, on both sides the same ones; all, where they are few enough.
        self._limit = None if share == 1.0 else np.uint64(int(share * 2**64))
        self._kept: list[tuple[NDArray[np.int64], Hashes, Hashes]] = []
        self._shape: tuple[int, ...] = ()

    def see(self, answers: Answers) -> None:
        self._shape = tuple(answers.inputs.shape[1:])
        self._kept.append(self._hashed(answers.inputs, answers.targets, answers.first_row))

    def finish(self) -> Findings:
        rows, alone, both = (np.concatenate(part) for part in zip(*self._kept, strict=True))
        known = {BOTH: _Known(both, rows), ALONE: _Known(alone, rows)}
        trained = 0
        for chunk in chunks_of(self._training, shape=self._shape):
            try:
                targets = self._task.targets(chunk.targets, first_row=chunk.first_row)
            except CannotMeasure as refusal:
                raise NotRun(f"The training data cannot be read: {refusal}") from refusal
            numbers, inputs_alone, with_target = self._hashed(chunk.inputs, targets, chunk.first_row)
            known[BOTH].meet(with_target, numbers)
            known[ALONE].meet(inputs_alone, numbers)
            trained += numbers.size
        metrics = [
            metric
            for label, one in known.items()
            for metric in (
                self._share("overlap_share", one.shared, rows.size, label),
                self._share("training_share", one.training_rows, trained, label),
            )
        ]
        metrics.append(self._share("duplicate_share", known[ALONE].repeated, rows.size, ALONE))
        return Findings(metrics=metrics, charts=[self._chart(metrics, known, rows.size, trained)])

    def _hashed(self, inputs: torch.Tensor, targets: NDArray[Any], first_row: int) -> tuple[NDArray[np.int64], Hashes, Hashes]:
        """(row numbers, hashes of the inputs, hashes of inputs and target) of the rows that are held; BLAKE2b, 64 bits."""
        x = inputs.numpy()
        x = np.ascontiguousarray(x + 0.0 if np.issubdtype(x.dtype, np.floating) else x)  # -0.0 equals 0.0
        y = np.ascontiguousarray(targets)
        alone, both = bytearray(), bytearray()
        for one, target in zip(x, y, strict=True):
            row = hashlib.blake2b(one.tobytes(), digest_size=8)
            alone += row.digest()
            row.update(target.tobytes())
            both += row.digest()
        first, second = (np.frombuffer(bytes(part), dtype=np.uint64) for part in (alone, both))
        numbers = np.arange(first_row, first_row + len(x), dtype=np.int64)
        if self._limit is None:
            return numbers, first, second
        held = first < self._limit
        return numbers[held], first[held], second[held]

    def _share(self, name: str, found: int, n: int, label: str) -> Metric:
        if self._limit is not None:
            return estimated(NAME, name, proportion(found, n, confidence=self._confidence), unit="proportion", label=label)
        value = found / n if n else 0.0
        return Metric(NAME, name, label, value, None, None, None, "counted, all rows", n, "proportion")

    def _chart(self, metrics: list[Metric], known: dict[str, _Known], n: int, trained: int) -> Chart:
        titles = {"overlap_share": "In training", "training_share": "Training rows here", "duplicate_share": "Repeated here"}
        rows = [
            {"label": f"{titles[m.name]}, {m.label}", "value": m.value, "low": m.low, "high": m.high, "n": m.n} for m in metrics
        ]
        alone, both = known[ALONE], known[BOTH]
        which = "" if self._limit is None else " of those drawn"
        description = (
            f"{alone.shared:,} of {n:,} rows{which} stand in the training data ({trained:,} rows{which}) with the same inputs, "
            f"{both.shared:,} of them with the same target, too; {alone.training_rows:,} training rows stand here. "
            f"{alone.repeated:,} rows repeat an earlier row."
        )
        if alone.shared:
            pairs = ", ".join(f"row {here} is training row {there}" for here, there in alone.examples())
            description += f" For example {pairs} (numbered from 0)."
        description += " Only rows that are equal byte for byte are found."
        columns = bar_columns("What", "Share of the rows")
        more = {"unit": "proportion", "check": NAME, "metric": "overlap_share", "x_title": "Share of the rows", "y_title": "What"}
        return Chart("overlap_share", "Rows in training and evaluation", "bars", columns, rows, description, more)
