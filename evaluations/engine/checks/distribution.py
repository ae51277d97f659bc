"""What the predictions look like on this data: the reference against which observations in production are checked."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from evaluations.engine.findings import Chart, Findings, bar_columns, counted, estimated, percent
from evaluations.engine.former import Former, former_of
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import NotRun
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import CLASSIFICATION
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable, tail
from measures.moments import Moments, Reference
from measures.predictions import Rule, check_predictions, source_rule

NAME = "prediction_distribution"


class PredictionDistribution:
    """The mean softmax probability of each class with its interval, and what a comparison needs: rows, means, variances.

    Both rules that monitoring follows are applied here, too: a mean below the source's threshold, and, where a version is in
    production, a mean that leaves the interval around that version's mean on the same data.
    """

    TASKS: ClassVar = CLASSIFICATION
    OTHERS: ClassVar = frozenset({"production"})

    def __init__(self, subject: Subject, *, confidence: float = CONFIDENCE) -> None:
        self._classes, self._confidence = subject.classes, confidence
        self._moments: Moments | None = None
        self._predicted = np.zeros(len(subject.classes), dtype=np.int64)
        self._targets = np.zeros(len(subject.classes), dtype=np.int64)
        self._former, self._without = _former(subject)
        self._before: Moments | None = None

    def see(self, answers: Answers) -> None:
        seen = Moments.of(answers.probabilities)
        self._moments = seen if self._moments is None else self._moments + seen
        self._predicted += np.bincount(answers.predicted, minlength=len(self._classes))
        self._targets += np.bincount(answers.targets, minlength=len(self._classes))
        if self._former is not None:
            self._see_former(self._former, answers)

    def _see_former(self, former: Former, answers: Answers) -> None:
        _, probabilities = former.read(answers.first_row, len(answers.targets))
        try:
            before = Moments.of(probabilities)  # type: ignore[arg-type] # kept, or there would be no former version
        except NotMeasurable as refusal:
            self._former, self._before = None, None
            self._without = f"The answers of the version in production cannot be compared: {refusal}"
        else:
            self._before = before if self._before is None else self._before + before

    def finish(self) -> Findings:
        assert self._moments is not None  # noqa: S101 - data without rows is refused before any check is made
        m = self._moments
        reference = {
            "n": m.n,
            "mean": m.mean.tolist(),
            "variance": m.variance.tolist(),
            "class_counts": self._predicted.tolist(),
            "target_counts": self._targets.tolist(),
        }
        means = self._means(m)
        metrics = [
            estimated(NAME, "mean_probability", e, unit="proportion", label=label)
            for label, e in zip(self._classes, means, strict=True)
        ]
        rules = self._rules(m)
        metrics += [
            counted(NAME, "rule_fired", rule.fired, n=m.n, method="counted", unit="count", label=rule.name)
            for rule in rules
            if rule.applied
        ]
        said = " ".join([*(rule.sentence for rule in rules), self._without]).strip()
        return Findings(metrics=metrics, charts=[self._bars(m, means, said)], facts={"reference": reference})

    def _rules(self, m: Moments) -> list[Rule]:
        """The source's rule, and the interval rule where there is something to compare with."""
        if self._before is None:
            return [source_rule(m, labels=self._classes)]
        before = Reference(self._before.n, self._before.mean, self._before.variance)
        found = check_predictions(m, before, labels=self._classes)
        return [found.source, found.interval]

    def _means(self, m: Moments) -> list[Estimate]:
        z = float(-ndtri(tail(self._confidence)))
        half = z * np.sqrt(m.variance / m.n)
        return [
            Estimate(
                float(mean),
                float(max(0.0, mean - h)) if m.n > 1 else 0.0,
                float(min(1.0, mean + h)) if m.n > 1 else 1.0,
                m.n,
                self._confidence,
                "normal, of the mean",
            )
            for mean, h in zip(m.mean, half, strict=True)
        ]

    def _bars(self, m: Moments, means: list[Estimate], said: str) -> Chart:
        share = self._targets / m.n
        rows = [
            {"label": label, "value": e.value, "low": e.low, "high": e.high, "n": e.n, "mark": float(true)}
            for label, e, true in zip(self._classes, means, share, strict=True)
        ]
        least, most = int(m.mean.argmin()), int(m.mean.argmax())
        description = (
            f"Mean predicted probability of each class over {m.n:,} rows: from {percent(m.mean[least])} for class "
            f"{self._classes[least]} to {percent(m.mean[most])} for class {self._classes[most]}; "
            f"the marks show the share of rows that are of the class. {said}"
        )
        columns = bar_columns("Class", "Mean probability", mark="Share of rows")
        more = {
            "unit": "proportion",
            "check": NAME,
            "metric": "mean_probability",
            "x_title": "Mean predicted probability",
            "y_title": "Class",
            "mark_title": "Share of rows of the class",
        }
        return Chart("prediction_distribution", "Distribution of the predictions", "bars", columns, rows, description, more)


def _former(subject: Subject) -> tuple[Former | None, str]:
    """The answers of the version in production, or the sentence that says why its distribution is not compared."""
    if "production" not in subject.others:
        return None, ""
    try:
        former = former_of(subject)
    except NotRun as reason:
        return None, str(reason)
    if not former.with_probabilities:
        return None, "The version in production kept no probabilities, so its distribution is not compared."
    return former, ""
