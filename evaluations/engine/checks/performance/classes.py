"""How often a classifier is right: overall, for each class, among the best few, and how good its probabilities are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluations.engine.checks.performance.part import NAME, Options, bars
from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from measures import classification
from measures.blocks import BLOCKS, Blocks, block_numbers, mean_of, units_of
from measures.confusion import table_of
from measures.estimate import Estimate
from measures.grouped import GroupedMargins
from measures.proportions import proportion
from measures.scores import WORST_BRIER, WORST_LOG_LOSS, brier_scores, log_losses
from measures.shares import ratio
from measures.value import checked_values, expected_value

MOST_IN_MATRIX = 40  # classes; a larger matrix cannot be read
MOST_MISTAKES = 20
UNITS = {"mcc": "score", "kappa": "score"}


class Classes:
    """Accuracy, balanced accuracy, F1, MCC, kappa, top-k, log-loss, Brier score, expected value; precision, recall and F1 of each
    class; for a binary model also sensitivity, specificity and the predictive values."""

    def __init__(
        self, subject: Subject, options: Options, *, top_k: Sequence[int], values: Sequence[Sequence[float]] | None
    ) -> None:
        self._subject, self._classes, self._options = subject, subject.classes, options
        k = len(subject.classes)
        self._values = None if values is None else checked_values(values, k)
        self._table = np.zeros((k, k), dtype=np.int64)
        # The best 1 is accuracy, the best K is certain.
        self._hits = {n: np.zeros(BLOCKS, dtype=np.int64) for n in sorted(set(top_k)) if 1 < n < k}
        self._losses = Blocks(2)
        self.margins = GroupedMargins(k) if subject.group else None

    def see(self, answers: Answers) -> None:
        probabilities = answers.outputs
        groups = self._subject.groups_of(answers)
        self._table += table_of(answers.targets, answers.predicted, len(self._classes))
        if self.margins is not None and groups is not None:
            self.margins.add(answers.targets, answers.predicted, groups=groups)
        if self._hits:
            block = block_numbers(len(answers.targets), BLOCKS, first_row=answers.first_row, groups=groups)
            for n, hits in self._hits.items():
                found = block[classification.in_top_k(probabilities, answers.targets, n)]
                np.add(hits, np.bincount(found, minlength=BLOCKS), out=hits)
        brier = brier_scores(probabilities, answers.targets)
        if self._subject.task == "binary":
            brier = brier / 2.0  # of the positive class alone, 0 to 1, as binary models are judged everywhere
        losses = np.column_stack([log_losses(probabilities, answers.targets), brier])
        self._losses.add(losses, first_row=answers.first_row, groups=groups)

    def finish(self) -> Findings:
        options = self._options.bootstrap
        if self.margins is None:
            overall = classification.overall(self._table, **options)
            by_class = classification.per_class(self._table, confidence=self._options.confidence)
        else:
            overall = self.margins.overall(self._table, **options)
            by_class = self.margins.per_class(confidence=self._options.confidence)
        metrics = [estimated(NAME, name, e, unit=UNITS.get(name, "proportion")) for name, e in overall.items()]
        if self._subject.task == "binary":
            metrics += self._binary(by_class)
        for n, hits in self._hits.items():
            metrics.append(estimated(NAME, "top_k_accuracy", self._share(hits), unit="proportion", label=str(n)))
        metrics += self._scores()
        metrics += self._value(overall["accuracy"])
        for name, estimates in by_class.items():
            metrics += [
                estimated(NAME, name, e, unit="proportion", label=label)
                for label, e in zip(self._classes, estimates, strict=True)
            ]
        confusion = self._confusion() if len(self._classes) <= MOST_IN_MATRIX else self._mistakes()
        charts = [
            confusion,
            *(bars(name, by_class[name], self._classes, confidence=self._options.confidence) for name in ("recall", "precision")),
        ]
        return Findings(metrics=metrics, charts=charts)

    def _share(self, hits: np.ndarray) -> Estimate:
        rows, confidence = self._losses.rows, self._options.confidence
        if self.margins is None:
            return proportion(int(hits.sum()), int(rows.sum()), confidence=confidence)
        return ratio(hits, rows, units=units_of(rows), confidence=confidence)

    def _binary(self, by_class: dict[str, list[Estimate]]) -> list[Metric]:
        """The two classes' recall and precision under the names by which the positive class is spoken of."""
        named = {
            "sensitivity": by_class["recall"][1],
            "specificity": by_class["recall"][0],
            "ppv": by_class["precision"][1],
            "npv": by_class["precision"][0],
            "f1": by_class["f1"][1],
        }
        return [estimated(NAME, name, e, unit="proportion") for name, e in named.items()]

    def _value(self, accuracy: Estimate) -> list[Metric]:
        if self._values is None:
            return []
        scale = 1.0
        if self.margins is not None:
            plain = proportion(int(np.trace(self._table)), int(self._table.sum()), confidence=self._options.confidence)
            scale = min(1.0, (_width(plain) / max(_width(accuracy), 1e-12)) ** 2)
        value = expected_value(self._table, self._values.tolist(), scale=scale, **self._options.bootstrap)
        return [estimated(NAME, "expected_value", value, unit="score")]

    def _scores(self) -> list[Metric]:
        options = self._options.bootstrap
        worst = WORST_BRIER / 2 if self._subject.task == "binary" else WORST_BRIER
        log_loss = self._losses.bootstrap(mean_of(0), least=0.0, greatest=WORST_LOG_LOSS, **options)
        brier = self._losses.bootstrap(mean_of(1), least=0.0, greatest=worst, **options)
        return [
            estimated(NAME, "log_loss", log_loss, unit="nats"),
            estimated(NAME, "brier_score", brier, unit="score"),
        ]

    def _confusion(self) -> Chart:
        names = self._classes
        rows = [
            {"truth": names[t], "predicted": names[p], "count": int(self._table[t, p])}
            for t, p in zip(*np.nonzero(self._table), strict=True)
        ]
        total, right = int(self._table.sum()), int(np.trace(self._table))
        wrong = self._table - np.diag(np.diagonal(self._table))
        description = f"Of {total:,} rows, {right:,} were predicted as the class that they are."
        if wrong.any():
            t, p = np.unravel_index(int(wrong.argmax()), wrong.shape)
            description += (
                f" The most frequent mistake: {int(wrong[t, p]):,} of {int(self._table[t].sum()):,} rows of class {names[t]} "
                f"were taken for class {names[p]}."
            )
        columns = [
            {"key": "truth", "title": "True class"},
            {"key": "predicted", "title": "Predicted class"},
            {"key": "count", "title": "Rows"},
        ]
        more = {"categories": list(names), "check": NAME}
        return Chart("confusion", "True and predicted classes", "matrix", columns, rows, description, more)

    def _mistakes(self) -> Chart:
        """The most frequent mistakes, where the whole matrix would be unreadable."""
        wrong = self._table - np.diag(np.diagonal(self._table))
        order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]
        rows = []
        for t, p in zip(*np.unravel_index(order, wrong.shape), strict=True):
            if wrong[t, p]:
                e = proportion(int(wrong[t, p]), int(self._table[t].sum()), confidence=self._options.confidence)
                name = f"{self._classes[t]} → {self._classes[p]}"
                rows.append({"label": name, "value": e.value, "low": e.low, "high": e.high, "n": e.n})
        total, right = int(self._table.sum()), int(np.trace(self._table))
        description = (
            f"Of {total:,} rows, {right:,} were predicted as the class that they are. The {len(rows)} most frequent mistakes "
            f"among {len(self._classes):,} classes are shown as the share of the rows of the true class."
        )
        columns = bar_columns("True → predicted", "Share of the true class", "Rows of the class")
        more = {"unit": "proportion", "x_title": "Share of the rows of the true class", "y_title": "True → predicted"}
        return Chart("confusion", "Most frequent mistakes", "bars", columns, rows, description, more)


def _width(e: Estimate) -> float:
    return (1.0 if e.high is None else e.high) - (e.low or 0.0)
