"""On which parts of the data the model is worse than on the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.columns import parts_of, together
from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, counted, estimated, percent
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import NotRun
from evaluations.engine.subject import Subject
from measures import slices
from measures.estimate import CONFIDENCE

NAME = "slices"
MOST_SHOWN = 20
LEAST_SHARE = 0.1  # of the mean over all rows: what matters where the value has no scale of its own
MEASURES = {  # task: (name, its words, unit, whether more is better)
    "binary": ("accuracy", "Accuracy", "proportion", True),
    "multiclass": ("accuracy", "Accuracy", "proportion", True),
    "multilabel": ("label_accuracy", "Share of labels that are right", "proportion", True),
    "regression": ("mae", "Mean absolute error", "score", False),
}


class Slices:
    """Every value of every declared column against all other rows: accuracy, share of right labels, or mean absolute error.

    A slice is called weak if it is worse by at least `min_effect` (3 points; for errors, a tenth of their mean) and its
    difference survives the correction for many slices at the false discovery rate `q`. Slices with fewer than `min_rows` rows,
    or where fewer than five errors are to be expected, are insufficient: nothing is said of them.
    """

    TASKS: ClassVar = frozenset({"binary", "multiclass", "multilabel", "regression"})

    def __init__(
        self,
        subject: Subject,
        *,
        columns: Sequence[str] | None = None,
        min_rows: int = slices.MIN_ROWS,
        min_effect: float | None = None,
        q: float = slices.Q,
        confidence: float = CONFIDENCE,
    ) -> None:
        self._task, self._parts = subject.task, parts_of(subject, columns)
        self._together = together(subject)
        self._rules: dict[str, Any] = {"min_rows": min_rows, "q": q, "confidence": confidence}
        self._min_effect = min_effect
        self._sums = [np.zeros((3, len(part.values))) for part in self._parts]

    @property
    def _rates(self) -> bool:
        return self._task in ("binary", "multiclass")

    def see(self, answers: Answers) -> None:
        values = self._values(answers)
        for place, part in enumerate(self._parts):
            self._sums[place] += slices.slice_sums(part.places(answers.columns), len(part.values), values)

    def _values(self, answers: Answers) -> NDArray[Any]:
        """[n]: what is averaged over the rows of a slice."""
        if self._rates:
            right: NDArray[np.bool_] = answers.predicted == answers.targets
            return right
        if self._task == "multilabel":
            shares: NDArray[np.float64] = (answers.predicted == answers.targets).mean(axis=1)
            return shares
        return np.abs(answers.predicted - answers.targets)

    def finish(self) -> Findings:
        name, _words, unit, better = MEASURES[self._task]
        least = self._min_effect if self._min_effect is not None else self._usual_effect()
        found = slices.compared(self._sums, rates=self._rates, higher_is_better=better, min_effect=least, **self._rules)
        metrics: list[Metric] = []
        enough: list[tuple[str, slices.Slice]] = []
        few: list[tuple[str, int]] = []
        for part, column in zip(self._parts, found, strict=True):
            for one in column:
                if one.enough:
                    enough.append((part.label(one.place), one))
                elif one.value.n:
                    few.append((part.label(one.place), one.value.n))
        for label, one in enough:
            metrics.append(estimated(NAME, name, one.value, unit=unit, label=label))
            apart = "points" if unit == "proportion" else unit
            metrics.append(estimated(NAME, "worse_by", one.worse, unit=apart, label=label))
        metrics += [
            counted(NAME, "insufficient_rows", n, n=n, method="too few rows for a comparison", unit="rows", label=label)
            for label, n in few
        ]
        if not enough:
            raise NotRun(
                f"None of the {len(few)} slices can be compared: each needs {self._rules['min_rows']:,} rows, as many outside "
                "it, and five errors (and right rows) to be expected on either side."
            )
        rows, weak = int(self._sums[0][0].sum()), [label for label, one in enough if one.weak]
        method = f"Benjamini-Hochberg at {self._rules['q']:g}, {len(enough):,} tests"
        metrics += [
            counted(NAME, "weak_slices", len(weak), n=rows, method=method, unit="count"),
            counted(NAME, "compared_slices", len(enough), n=rows, method="counted", unit="count"),
            counted(NAME, "insufficient_slices", len(few), n=rows, method="counted", unit="count"),
        ]
        return Findings(metrics=metrics, charts=[self._chart(enough, len(few), weak, least)])

    def _usual_effect(self) -> float:
        rows, total, _squares = self._sums[0].sum(axis=1)
        return LEAST_SHARE * float(total / rows) if self._task == "regression" else slices.MIN_EFFECT

    def _chart(self, enough: list[tuple[str, slices.Slice]], few: int, weak: list[str], least: float) -> Chart:
        name, words, unit, better = MEASURES[self._task]
        sign = 1.0 if better else -1.0
        worst = sorted(enough, key=lambda pair: -pair[1].worse.value)[:MOST_SHOWN]
        rows = [
            {
                "label": f"{label} ▼" if one.weak else label,
                "value": one.value.value,
                "low": one.value.low,
                "high": one.value.high,
                "n": one.value.n,
                "mark": one.value.value + sign * one.worse.value,
            }
            for label, one in worst
        ]
        amount = f"{least * 100:.3g} points" if unit == "proportion" else f"{least:.3g}"
        label, one = worst[0]
        value = percent(one.value.value) if unit == "proportion" else f"{one.value.value:.4g}"
        description = (
            f"{words} on each of {len(worst)} slices, the furthest behind first, beside all other rows (mark). {len(enough)} "
            f"slices were compared; {len(weak)} {'is' if len(weak) == 1 else 'are'} weak (▼): worse by at least {amount} after "
            f"the correction for many slices. Furthest behind: {label} with {value} on {one.value.n:,} rows."
        )
        if few:
            description += f" {few} {'slice has' if few == 1 else 'slices have'} too few rows for a comparison."
        description += self._together
        columns = bar_columns("Slice", words, "Rows of the slice", mark="All other rows")
        more = {
            "unit": unit,
            "check": NAME,
            "metric": name,
            "x_title": words,
            "y_title": "Slice",
            "mark_title": "All other rows",
        }
        return Chart("slices", "Slices furthest behind", "bars", columns, rows, description, more)
