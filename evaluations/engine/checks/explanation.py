"""Which inputs the model's answers rest on, and whether that explanation holds when it is put to the test."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch

from evaluations.engine.attributions import NODES, Floats, by_position, chosen_column, integrated_gradients
from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, estimated
from evaluations.engine.gradients import Differentiable
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.sample import SampleWithSpread
from evaluations.engine.subject import Subject
from evaluations.engine.yardstick import TASKS, yardstick_of
from measures.blocks import Blocks
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable
from measures.means import column_means
from measures.mover import correlation_of, difference
from models_registry.inspection.reading import BadReading, reading_of

NAME = "explanation"
ROWS = 256
DELETED = 0.15  # of the positions, in the deletion test
CELLS = 16  # of a heat map, each way; positions of larger images are put together
LONGEST_NAME = 100  # characters of a label
NAMED = 20  # positions with a number of their own, the most important first
BASELINES = ("zero", "mean")


class Explanation:
    """Integrated gradients of the predicted answer on a sample of rows: mean |attribution| by feature or position with its
    interval, the completeness gap, and what is lost when the most important positions are erased instead of random ones.

    It says what the answers rest on, not whether it is right that they do.
    """

    TASKS: ClassVar[frozenset[str]] = TASKS

    def __init__(
        self,
        subject: Subject,
        *,
        rows: int = ROWS,
        nodes: int = NODES,
        baseline: str = "zero",
        deleted: float = DELETED,
        confidence: float = CONFIDENCE,
    ) -> None:
        if baseline not in BASELINES or not 0 < deleted < 1 or nodes < 1:
            raise NotMeasurable(
                "An explanation needs the baseline 'zero' or 'mean', at least one node, and a share to delete between 0 and 1."
            )
        self._subject, self._confidence = subject, confidence
        self._nodes, self._baseline, self._deleted = int(nodes), baseline, deleted
        self._yardstick, self._model = yardstick_of(subject), Differentiable(subject)
        self._sample = SampleWithSpread(most=rows, seed=subject.seed)

    def see(self, answers: Answers) -> None:
        self._sample.see(answers)

    def finish(self) -> Findings:
        inputs = self._sample.inputs
        self._model.require(inputs)
        base = self._base(inputs)
        with torch.no_grad():
            width = self._model.wide(inputs[:1]).shape[1]
        chosen = chosen_column(self._model.task, self._sample.outputs, width)
        found = integrated_gradients(self._model, inputs, base, chosen, batch=self._subject.batch, nodes=self._nodes)
        shape = tuple(inputs.shape[1:])
        weights = by_position(found.values, shape)
        metrics = [estimated(NAME, "completeness_gap", self._gap(found.gap, found.change), unit="proportion")]
        deletion, sentence = self._deletion(inputs, base, weights)
        cells, labels = _cells(weights, names_of(self._subject.reading))
        means = column_means(cells, confidence=self._confidence, seed=self._subject.seed)
        order = sorted(range(len(means)), key=lambda i: -means[i].value)
        metrics += [
            estimated(NAME, "importance", means[i], unit="score", label=" ".join(part for part in labels[i] if part))
            for i in order[:NAMED]
        ]
        gap = metrics[0].value
        said = (
            f"Integrated gradients of {len(inputs):,} rows, drawn from all rows, with {self._nodes} nodes against the baseline "
            f"{self._baseline}. What the attributions miss of the change that they explain: {gap * 100:.2f} %"
            f"{'' if gap <= 0.05 else ', too much to believe them'}. {sentence}"
        )
        return Findings(metrics=metrics + deletion, charts=[self._chart(means, labels, order, said)])

    def _base(self, inputs: torch.Tensor) -> torch.Tensor:
        return (
            torch.zeros_like(inputs[:1])
            if self._baseline == "zero"
            else (torch.zeros_like(inputs[:1]) + self._sample.spread.mean.to(inputs.dtype))
        )

    def _gap(self, gap: Floats, change: Floats) -> Estimate:
        """sum |gap| / sum |change| over the rows, by the bootstrap of the rows."""
        if not np.abs(change).sum() > 0:
            raise NotRun(
                f"The model answers every row as it answers the baseline {self._baseline!r}: there is nothing to explain."
            )
        sums = Blocks(2)
        sums.add(np.column_stack([np.abs(gap), np.abs(change)]))

        def share(totals: Any, rows: Any) -> Any:
            return totals[..., 0] / np.maximum(totals[..., 1], 1e-300)

        return sums.bootstrap(share, least=0.0, greatest=1e300, seed=self._subject.seed, confidence=self._confidence)

    def _deletion(self, inputs: torch.Tensor, base: torch.Tensor, weights: Floats) -> tuple[list[Metric], str]:
        """The main measure with the k most important positions of each row erased, with k random ones, and what lies between."""
        yard, n = self._yardstick, len(inputs)
        flat = weights.reshape(n, -1)
        positions = flat.shape[1]
        k = min(positions - 1, max(1, round(self._deleted * positions)))
        if k < 1:
            return [], "There is one position only, so nothing can be erased and compared."
        drawn = np.random.default_rng([self._subject.seed % 2**32, 7]).random(flat.shape)
        scores = [self._erased(inputs, base, ranks, k) for ranks in (-flat, drawn)]
        top, random = (yard.estimate(one, seed=self._subject.seed, confidence=self._confidence) for one in scores)
        together = correlation_of(*scores)
        apart = difference(*((random, top) if yard.more_is_better else (top, random)), correlation=together)
        labels = (f"{k} most important positions", f"{k} random positions")
        metrics = [
            estimated(NAME, f"erased_{yard.name}", one, unit=yard.unit, label=label)
            for one, label in zip((top, random), labels, strict=True)
        ]
        metrics.append(estimated(NAME, "deletion_gap" if yard.more_is_better else "deletion_gap_rmse", apart, unit=yard.unit))
        sentence = (
            f"With the {k} most important of {positions:,} positions of each row erased {yard.title.lower()} is "
            f"{yard.written(top.value)}, with {k} random ones {yard.written(random.value)}"
        )
        unproven = apart.low is None or apart.low <= 0
        return metrics, sentence + (": the explanation is not shown to be better than chance." if unproven else ".")

    def _erased(self, inputs: torch.Tensor, base: torch.Tensor, ranks: Floats, k: int) -> Floats:
        """Scores of the rows whose k positions of lowest rank stand at the baseline."""
        gone = np.argsort(np.argsort(ranks, axis=1, kind="stable"), axis=1, kind="stable") < k
        shape = tuple(inputs.shape[1:])
        mask = gone.reshape(len(inputs), 1, *shape[1:]) if len(shape) == 3 else gone.reshape(len(inputs), *shape)
        rows = torch.where(torch.from_numpy(mask), base, inputs)
        try:
            return self._yardstick.scores(self._sample.targets, self._subject.answer(rows))
        except CannotMeasure as refusal:
            raise NotRun(f"On rows with erased positions the model gave no usable answer: {refusal}") from refusal

    def _chart(self, means: list[Estimate], labels: list[tuple[str, str]], order: list[int], said: str) -> Chart:
        title, name, what = "What the answers rest on", "explanation", "Mean |attribution|"
        most = means[order[0]]
        first = " ".join(part for part in labels[order[0]] if part)
        said = f"{said} Most important: {first} ({most.value:.3g})."
        if labels[0][1]:
            rows: list[dict[str, Any]] = [
                {"row": labels[i][0], "column": labels[i][1], "value": means[i].value} for i in range(len(means))
            ]
            columns = [
                {"key": "row", "title": "Row"},
                {"key": "column", "title": "Column"},
                {"key": "value", "title": what},
            ]
            return Chart(name, title, "heat", columns, rows, said, {"check": NAME})
        rows = [
            {"label": labels[i][0], "value": e.value, "low": e.low, "high": e.high, "n": e.n}
            for i, e in ((i, means[i]) for i in order[: 2 * NAMED])
        ]
        columns = bar_columns("Feature", what)
        more = {"unit": "score", "check": NAME, "metric": "importance", "x_title": what, "y_title": "Feature"}
        return Chart(name, title, "bars", columns, rows, said, more)


def names_of(reading: Mapping[str, Any] | None) -> list[str]:
    """What the columns of the inputs are called where the features were declared: a category has one column for each value."""
    try:
        declared = reading_of(reading) if reading and "features" in reading else None
    except BadReading:
        return []
    names = []
    for feature in declared.features if declared is not None else ():
        names += [f"{feature.name} = {value}" for value in feature.categories] if feature.kind == "category" else [feature.name]
    return [name[:LONGEST_NAME] for name in names]


def _cells(weights: Floats, names: list[str]) -> tuple[Floats, list[tuple[str, str]]]:
    """[n, cells] and the name of each cell: columns of a table as they are, a plane [n, H, W] in at most 16 by 16 cells."""
    if weights.ndim != 3:
        weights = weights.reshape(len(weights), -1)
        width = weights.shape[1]
        called = names if len(names) == width == len(set(names)) else [f"column {i}" for i in range(width)]
        return weights, [(name, "") for name in called]
    down, across = (_edges(size) for size in weights.shape[1:])
    together = np.add.reduceat(np.add.reduceat(weights, down[:-1], axis=1), across[:-1], axis=2)
    rows, columns = _places(down), _places(across)
    labels = [(f"row {row}", f"column {column}") for row in rows for column in columns]
    return together.reshape(len(weights), -1), labels


def _edges(size: int) -> list[int]:
    cells = min(size, CELLS)
    return [i * size // cells for i in range(cells + 1)]


def _places(edges: list[int]) -> list[str]:
    return [f"{a}" if b - a == 1 else f"{a}–{b - 1}" for a, b in itertools.pairwise(edges)]
