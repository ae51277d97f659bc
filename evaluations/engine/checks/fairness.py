"""Whether the model treats the groups of people alike: how often it says yes, to whom it errs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.columns import Part, label_of, parts_of, together
from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, counted, estimated, percent
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.subject import Subject
from measures.differences import Counts, gap, narrowest, ratio, widest
from measures.estimate import CONFIDENCE, Estimate
from measures.proportions import proportion

NAME = "fairness"
MIN_GROUP = 30  # rows; below, a group is insufficient
MOST_OUTCOMES = 50  # classes that are compared one against the rest
GAPS = ("demographic_parity_difference", "equalised_odds_difference")


class Fairness:
    """Demographic parity and equalised odds, as differences and ratios, with intervals that hold for all pairs of groups.

    A binary model is measured on its positive class, one with more classes on each class against the rest, or on `outcomes`.
    Groups with fewer than `min_group` rows are insufficient and left out; how many is reported.
    """

    TASKS: ClassVar = frozenset({"binary", "multiclass"})

    def __init__(
        self,
        subject: Subject,
        *,
        columns: Sequence[str] | None = None,
        outcomes: Sequence[str] | None = None,
        min_group: int = MIN_GROUP,
        confidence: float = CONFIDENCE,
    ) -> None:
        self._parts, self._classes = parts_of(subject, columns), subject.classes
        self._together = together(subject)
        self._outcomes = self._chosen(subject, outcomes)
        if min_group < 1:
            raise CannotMeasure("The suite asks for groups of no rows in the check 'fairness'; min_group is at least 1.")
        self._min_group, self._confidence = min_group, confidence
        k = len(subject.classes)
        # rows of the class, rows predicted as it, rows that are both: [3, groups, classes]
        self._counts = [np.zeros((3, len(part.values), k), dtype=np.int64) for part in self._parts]

    @staticmethod
    def _chosen(subject: Subject, asked: Sequence[str] | None) -> list[int]:
        if asked is not None:
            unknown = [name for name in asked if name not in subject.classes]
            if unknown or not asked:
                raise NotRun(f"The suite asks for the outcome {(unknown or ['none'])[0]!r}, which the model does not have.")
            return [subject.classes.index(name) for name in dict.fromkeys(asked)]
        if subject.task == "binary":
            return [1]
        if len(subject.classes) > MOST_OUTCOMES:
            raise NotRun(
                f"At most {MOST_OUTCOMES} classes are compared one against the rest; name those that matter in outcomes."
            )
        return list(range(len(subject.classes)))

    def see(self, answers: Answers) -> None:
        k = len(self._classes)
        right = answers.predicted == answers.targets
        for part, counts in zip(self._parts, self._counts, strict=True):
            base = part.places(answers.columns) * k
            for row, cells in enumerate((base + answers.targets, base + answers.predicted, (base + answers.targets)[right])):
                counts[row] += np.bincount(cells, minlength=len(part.values) * k).reshape(-1, k)

    def finish(self) -> Findings:
        metrics: list[Metric] = []
        charts: list[Chart] = []
        for part, counts in zip(self._parts, self._counts, strict=True):
            sizes = counts[0].sum(axis=1)
            kept = np.flatnonzero(sizes >= self._min_group)
            few = np.flatnonzero((sizes > 0) & (sizes < self._min_group))
            metrics.append(self._count("compared_groups", len(kept), part, sizes))
            metrics.append(self._count("insufficient_groups", len(few), part, sizes))
            for k in self._outcomes:
                metrics += self._measured(part, counts[:, kept, k], sizes[kept], kept, k)
            if kept.size:
                charts.append(self._chart(part, kept, counts, sizes, int(few.size)))
        return Findings(metrics=metrics, charts=charts)

    def _count(self, name: str, value: int, part: Part, sizes: NDArray[np.int64]) -> Metric:
        method = f"counted, at least {self._min_group:,} rows each"
        return counted(NAME, name, value, n=int(sizes.sum()), method=method, unit="count", label=part.name)

    def _label(self, where: str, k: int) -> str:
        return where if len(self._outcomes) == 1 else label_of(f"{where}: {self._classes[k]}")

    def _measured(
        self, part: Part, counts: NDArray[np.int64], sizes: NDArray[np.int64], kept: NDArray[np.int64], k: int
    ) -> list[Metric]:
        of, predicted, both = counts
        chosen = _pairs(predicted, sizes)
        hits, alarms = _pairs(both, of), _pairs(predicted - both, sizes - of)
        label = self._label(part.name, k)
        pairs = max(1, len(chosen) * (len(chosen) - 1))  # of two rates at once
        options: dict[str, Any] = {"comparisons": pairs, "confidence": self._confidence}
        values: list[tuple[str, Estimate]] = [
            (GAPS[0], gap(chosen, confidence=self._confidence)),
            ("demographic_parity_ratio", ratio(chosen, confidence=self._confidence)),
            (GAPS[1], widest(gap(hits, **options), gap(alarms, **options))),
            ("equalised_odds_ratio", narrowest(ratio(hits, **options), ratio(alarms, **options))),
        ]
        metrics = [estimated(NAME, name, e, unit="proportion", label=label) for name, e in values]
        for name, rates in (("selection_rate", chosen), ("true_positive_rate", hits), ("false_positive_rate", alarms)):
            for place, (successes, n) in zip(kept, rates, strict=True):
                e = proportion(successes, n, confidence=self._confidence)
                metrics.append(estimated(NAME, name, e, unit="proportion", label=self._label(part.label(int(place)), k)))
        return metrics

    def _chart(self, part: Part, kept: NDArray[np.int64], counts: NDArray[np.int64], sizes: NDArray[np.int64], few: int) -> Chart:
        """How often each group gets the outcome; with many outcomes, the one whose rates lie furthest apart."""
        rates = counts[1][kept] / sizes[kept, None]
        k = max(self._outcomes, key=lambda k: float(np.ptp(rates[:, k])))
        rows = []
        for place in kept:
            e = proportion(int(counts[1][place, k]), int(sizes[place]), confidence=self._confidence)
            true = float(counts[0][place, k] / sizes[place])
            rows.append({"label": part.values[place], "value": e.value, "low": e.low, "high": e.high, "n": e.n, "mark": true})
        least, most = min(rows, key=lambda row: row["value"]), max(rows, key=lambda row: row["value"])
        description = (
            f"Share of rows predicted as {self._classes[k]} in each group of {part.name}: from {percent(least['value'])} for "
            f"{least['label']} ({least['n']:,} rows) to {percent(most['value'])} for {most['label']} ({most['n']:,} rows); the "
            "marks show the share of rows that are of the class."
        )
        if few:
            description += f" {few} {'group has' if few == 1 else 'groups have'} fewer than {self._min_group:,} rows."
        description += self._together
        columns = bar_columns("Group", "Share predicted", "Rows of the group", mark="Share of rows of the class")
        more = {
            "unit": "proportion",
            "check": NAME,
            "metric": "selection_rate",
            "x_title": f"Share predicted as {self._classes[k]}",
            "y_title": part.name,
            "mark_title": "Share of rows of the class",
        }
        place = self._parts.index(part)
        name = NAME if place == 0 else f"{NAME}_{place + 1}"  # a column's own name may have no letters that a file name holds
        title = f"{self._classes[k]} by {part.name}"[:200]
        return Chart(name, title, "bars", columns, rows, description, more)


def _pairs(successes: NDArray[np.int64], rows: NDArray[np.int64]) -> list[Counts]:
    return [(int(k), int(n)) for k, n in zip(successes, rows, strict=True)]
