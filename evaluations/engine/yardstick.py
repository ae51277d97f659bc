"""The main measure of a task, row by row: what checks hold against each other before and after something was done to a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.subject import Subject
from evaluations.engine.tasks import CLASSIFICATION, Task
from measures.blocks import Blocks
from measures.estimate import CONFIDENCE, Estimate
from measures.means import mean_score
from measures.mover import correlation_of, relative_drop, relative_rise

Floats = NDArray[np.float64]
TASKS = frozenset({"binary", "multiclass", "multilabel", "regression"})  # ranking has no measure of single rows
WORST_ERROR = 1e300


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Scores each row, and says what the scores of many rows come to.

    Accuracy, or the share of a row's labels that are right: a row scores 0 to 1, more is better. For regression the root mean
    squared error: a row scores its squared error, less is better.
    """

    task: Task

    @property
    def more_is_better(self) -> bool:
        return self.task.name != "regression"

    @property
    def name(self) -> str:
        if self.task.name in CLASSIFICATION:
            return "accuracy"
        return "label_accuracy" if self.task.name == "multilabel" else "rmse"

    @property
    def title(self) -> str:
        return {"accuracy": "Accuracy", "label_accuracy": "Share of labels that are right"}.get(self.name, "RMSE")

    @property
    def unit(self) -> str:
        return "proportion" if self.more_is_better else "score"

    @property
    def change_name(self) -> str:
        return "relative_drop" if self.more_is_better else "relative_rise"

    @property
    def factor(self) -> float:
        """What a value is multiplied by for the axis of a chart."""
        return 100.0 if self.more_is_better else 1.0

    @property
    def axis(self) -> str:
        return f"{self.title}, %" if self.more_is_better else self.title

    def scores(self, targets: NDArray[Any], outputs: Floats) -> Floats:
        """[n] from the targets and outputs of n rows."""
        predicted = self.task.predicted(outputs)
        if self.task.name == "regression":
            return (predicted - targets.astype(np.float64)) ** 2  # type: ignore[no-any-return] # floats less floats
        right = (predicted == targets).astype(np.float64)
        return right if right.ndim == 1 else right.mean(axis=1)  # type: ignore[no-any-return] # floats

    def estimate(self, scores: Floats, *, seed: int, confidence: float = CONFIDENCE) -> Estimate:
        """The measure over rows [n]; its mean over several treatments of the same rows where scores are [n, treatments]."""
        scores = scores[:, None] if scores.ndim == 1 else scores
        if self.more_is_better:
            return mean_score(scores.mean(axis=1), confidence=confidence)
        sums = Blocks(scores.shape[1])
        sums.add(scores)
        return sums.bootstrap(_mean_root, least=0.0, greatest=WORST_ERROR, seed=seed, confidence=confidence)

    def change(self, after: Floats, before: Floats, *, seed: int, confidence: float = CONFIDENCE) -> Estimate | None:
        """How much worse the same rows score, as a share of `before`; None where that share does not exist or has no bound."""
        a, b = (self.estimate(scores, seed=seed, confidence=confidence) for scores in (after, before))
        if b.value <= 0 or None in (a.low, a.high, b.low, b.high) or (b.high or 0.0) >= WORST_ERROR:
            return None
        together = correlation_of(after.mean(axis=1) if after.ndim == 2 else after, before)
        return (relative_drop if self.more_is_better else relative_rise)(a, b, correlation=together)

    def worse(self, first: Floats, second: Floats) -> Floats:
        """The worse of two scores of each row."""
        return np.minimum(first, second) if self.more_is_better else np.maximum(first, second)

    def written(self, value: float) -> str:
        """A value for a sentence."""
        return f"{value * 100:.1f} %" if self.more_is_better else f"{value:.4g}"


def yardstick_of(subject: Subject) -> Yardstick:
    """The main measure of the subject's task."""
    return Yardstick(subject.kind)


def _mean_root(sums: Floats, rows: Floats) -> Floats:
    """The mean over the treatments of the root of the mean squared error."""
    return np.sqrt(sums / np.asarray(rows)[..., None]).mean(axis=-1)  # type: ignore[no-any-return] # an array, or one number
