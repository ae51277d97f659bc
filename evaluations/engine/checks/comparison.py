"""Against the version that is in production now, row by row: what was gained, what was lost, what changed."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, counted, estimated, percent
from evaluations.engine.former import former_of
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from measures.auc import paired_auc
from measures.blocks import Blocks, mean_of
from measures.cells import REPLICATES
from measures.classification import OVERALL
from measures.differences import mcnemar, paired_difference
from measures.estimate import CONFIDENCE, Estimate, tail
from measures.paired import PairedCells, metric_differences
from measures.proportions import proportion
from measures.scores import brier_scores, log_losses

NAME = "comparison"
MOST_SCORES = 2_000_000  # rows whose scores are held for the area under the curve: 16 MB for both versions
UNITS = {"mcc": "score", "kappa": "score", "log_loss": "nats", "brier_score": "score"}
SCORES = {  # task: the values of a row whose mean difference is formed: (name, unit)
    "binary": [("log_loss", "nats"), ("brier_score", "score")],
    "multiclass": [("log_loss", "nats"), ("brier_score", "score")],
    "multilabel": [("label_accuracy", "points")],
    "regression": [("mae", "score"), ("mse", "score")],
}


class Comparison:
    """New minus old of each measure with its interval, McNemar's test, the share of changed predictions.

    Every number is of the same rows under both versions, so what they share cancels: a difference is settled by far fewer rows
    than two separate measurements would need. Not inferior means that the lower bound lies above minus the margin.
    """

    TASKS: ClassVar = frozenset({"binary", "multiclass", "multilabel", "regression"})
    OTHERS: ClassVar = frozenset({"production"})

    def __init__(self, subject: Subject, *, replicates: int = REPLICATES, confidence: float = CONFIDENCE) -> None:
        self._former, self._subject = former_of(subject), subject
        self._replicates, self._confidence = replicates, confidence
        self._cells = PairedCells(len(subject.classes)) if subject.task in ("binary", "multiclass") else None
        scores = SCORES[subject.task]
        self._scores = scores if self._former.with_probabilities or self._cells is None else []
        self._sums = Blocks(2 * len(scores) + 1)  # new - old of each, then the new values, then the change of the prediction
        self._changed = 0
        of_scores = subject.task == "binary" and self._former.with_probabilities and subject.rows <= MOST_SCORES
        self._positive: list[tuple[NDArray[Any], ...]] | None = [] if of_scores else None

    def see(self, answers: Answers) -> None:
        old, p = self._former.read(answers.first_row, len(answers.targets))
        new = answers.predicted
        changed = (old != new).any(axis=1) if new.ndim == 2 else old != new
        self._changed += int(changed.sum())
        if self._cells is not None:
            self._cells.add(answers.targets, old, new)
        if self._scores:
            before, after = self._values(answers.targets, old, p), self._values(answers.targets, new, answers.outputs)
            shift = np.abs(new - old) if self._subject.task == "regression" else changed.astype(np.float64)
            rows = [*(b - a for a, b in zip(before, after, strict=True)), *after, shift]
            self._sums.add(np.column_stack(rows), first_row=answers.first_row, groups=self._subject.groups_of(answers))

        if self._positive is not None and p is not None:
            scores = (answers.outputs[:, 1].astype(np.float32), p[:, 1].astype(np.float32))
            self._positive.append(
                (*scores, answers.targets == 1, *([] if (g := self._subject.groups_of(answers)) is None else [g]))
            )

    def _values(self, targets: NDArray[Any], predicted: NDArray[Any], p: NDArray[np.float64] | None) -> list[NDArray[np.float64]]:
        """[n] for each score of the task."""
        if self._subject.task == "regression":
            return [np.abs(predicted - targets), (predicted - targets) ** 2]
        if self._subject.task == "multilabel":
            return [(predicted == targets).mean(axis=1)]
        assert p is not None  # noqa: S101 - without probabilities there are no scores to form
        return [score(p, targets) for score in (log_losses, brier_scores)]

    def finish(self) -> Findings:
        options: dict[str, Any] = {
            "confidence": self._confidence,
            "replicates": self._replicates,
            "seed": self._subject.seed,
        }
        metrics: list[Metric] = []
        if self._cells is not None:
            metrics += self._of_cells(self._cells, options)
        for column, (name, unit) in enumerate(self._scores):
            metrics.append(estimated(NAME, f"{name}_change", self._mean(column, options), unit=unit))
        metrics += self._area()
        if self._subject.task == "regression":
            metrics.append(estimated(NAME, "mean_shift", self._mean(2 * len(self._scores), options), unit="score"))
        churn = proportion(self._changed, self._subject.rows, confidence=self._confidence, method="wilson")
        metrics.append(estimated(NAME, "churn", churn, unit="proportion"))
        charts = [self._flow(self._cells)] if self._cells is not None else []
        return Findings(metrics=metrics, charts=charts)

    def _area(self) -> list[Metric]:
        """The change of the area under the ROC curve; none where there are rows of one class only."""
        if not self._positive:
            return []
        new, old, positive, *groups = (np.concatenate(parts) for parts in zip(*self._positive, strict=True))
        if not 0 < positive.sum() < positive.size:
            return []
        found = paired_auc(new, old, positive, groups=groups[0] if groups else None, confidence=self._confidence)
        return [estimated(NAME, "auroc_change", found.difference, unit="points")]

    def _mean(self, column: int, options: dict[str, Any]) -> Estimate:
        """The mean of a column, widened by the two rows that Bonett and Price add: one better, one worse by a usual value.

        Versions that answer a few rows alike would otherwise be taken for equal everywhere.
        """
        n, usual = self._sums.n, column + len(self._scores) if column < len(self._scores) else column
        value, size = (float(self._sums.sums[:, one].sum()) / n for one in (column, usual))
        half = float(-ndtri(tail(self._confidence))) * np.sqrt(2.0) * abs(size) / (n + 2)
        if (self._sums.rows > 0).sum() < 2:
            return Estimate(value, None, None, n, self._confidence, "one row or group: no bound")
        e = self._sums.bootstrap(mean_of(column), least=-np.finfo(float).max, greatest=np.finfo(float).max, **options)
        low, high = min(value if e.low is None else e.low, value - half), max(value if e.high is None else e.high, value + half)
        return Estimate(value, float(low), float(high), n, e.confidence, e.method)

    def _of_cells(self, cells: PairedCells, options: dict[str, Any]) -> list[Metric]:
        accuracy = paired_difference(cells.gained, cells.lost, cells.n, confidence=self._confidence)
        differences: dict[str, Estimate] = {"accuracy": accuracy, **metric_differences(cells, OVERALL, **options)}
        exact, mid = mcnemar(cells.gained, cells.lost)
        return [
            *(estimated(NAME, f"{name}_change", e, unit=UNITS.get(name, "points")) for name, e in differences.items()),
            counted(NAME, "mcnemar_p_value", mid, n=cells.gained + cells.lost, method="two-sided, mid-p", unit="p"),
            counted(NAME, "mcnemar_exact_p_value", exact, n=cells.gained + cells.lost, method="two-sided, exact", unit="p"),
            counted(NAME, "gained_rows", cells.gained, n=cells.n, method="counted", unit="rows"),
            counted(NAME, "lost_rows", cells.lost, n=cells.n, method="counted", unit="rows"),
        ]

    def _flow(self, cells: PairedCells) -> Chart:
        """What became of the rows of each class: the new recall beside the old one."""
        truth, old, new, counts = cells.cells
        rows = []
        for k, name in enumerate(self._subject.classes):
            own = truth == k
            n = int(counts[own].sum())
            if n:
                e = proportion(int(counts[own & (new == k)].sum()), n, confidence=self._confidence)
                before = float(counts[own & (old == k)].sum() / n)
                rows.append({"label": name, "value": e.value, "low": e.low, "high": e.high, "n": n, "mark": before})
        same = cells.n - cells.changed
        description = (
            f"Of {cells.n:,} rows, {percent(same / cells.n)} are predicted as before; {cells.gained:,} became right and "
            f"{cells.lost:,} became wrong. Recall of each class under this version; the marks show the version in production."
        )
        columns = bar_columns("Class", "Recall of this version", "Rows of the class", mark="Version in production")
        more = {
            "unit": "proportion",
            "check": NAME,
            "x_title": "Recall",
            "y_title": "Class",
            "mark_title": "Version in production",
        }
        return Chart("comparison", "Beside the version in production", "bars", columns, rows, description, more)
