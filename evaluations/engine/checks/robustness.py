"""How much of the quality remains when inputs are noisy, blurred, covered, darker, or miss columns: five severities each."""

from __future__ import annotations

import zlib
from typing import Any, ClassVar

import numpy as np
import torch

from evaluations.engine.corruptions import SEVERITIES, Corruption, Spread, corruptions_for
from evaluations.engine.findings import Chart, Findings, Metric, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.engine.sample import SampleWithSpread
from evaluations.engine.subject import Subject
from evaluations.engine.yardstick import TASKS, Floats, yardstick_of
from measures.estimate import CONFIDENCE

NAME = "robustness"
ROWS = 1000
AT_ONCE = 512  # rows that are damaged and answered together
LIGHT = ("brighter", "darker", "less contrast")


class Robustness:
    """The task's main measure on a sample of rows at each severity of each corruption, what was lost, and the mean of all five.

    The sample and every draw depend on the seed and the row only, so that two versions are compared on the same damaged rows.
    `low` and `high` declare the range that inputs are clipped to; by default it is what was seen.
    """

    TASKS: ClassVar[frozenset[str]] = TASKS

    def __init__(
        self,
        subject: Subject,
        *,
        rows: int = ROWS,
        corruptions: list[str] | None = None,
        low: float | None = None,
        high: float | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        self._subject, self._confidence, self._edges = subject, confidence, (low, high)
        self._named = corruptions
        self._yardstick = yardstick_of(subject)
        self._sample = SampleWithSpread(most=rows, seed=subject.seed)

    def see(self, answers: Answers) -> None:
        self._sample.see(answers)

    def finish(self) -> Findings:
        if not self._sample.inputs.is_floating_point():
            raise NotRun("The inputs are whole numbers (tokens), which cannot be made noisy or darker.")
        spread = self._sample.spread.declared(*self._edges)
        clean = self._yardstick.scores(self._sample.targets, self._sample.outputs)
        scores = {one.name: self._damaged(one, spread) for one in self._chosen()}
        return Findings(metrics=self._metrics(clean, scores), charts=self._charts(clean, scores))

    def _chosen(self) -> list[Corruption]:
        possible = corruptions_for(tuple(self._sample.inputs.shape[1:]))
        if self._named is None:
            return possible
        unknown = sorted(set(self._named) - {one.name for one in possible})
        if unknown:
            listed = ", ".join(one.name for one in possible)
            raise NotRun(f"Inputs of this shape cannot be damaged by {unknown[0]!r}; what can be done to them is {listed}.")
        return [one for one in possible if one.name in self._named]

    def _damaged(self, corruption: Corruption, spread: Spread) -> Floats:
        """[n, severities]: the score of each row at each severity; all severities draw the same numbers."""
        inputs, targets = self._sample.inputs, self._sample.targets
        columns = []
        for severity in SEVERITIES:
            rng = np.random.default_rng([self._subject.seed % 2**32, zlib.crc32(corruption.name.encode())])
            outputs = [self._answer(corruption(rows, severity, spread, rng), corruption) for rows in inputs.split(AT_ONCE)]
            columns.append(self._yardstick.scores(targets, np.concatenate(outputs)))
        return np.column_stack(columns)

    def _answer(self, inputs: torch.Tensor, corruption: Corruption) -> Floats:
        try:
            return self._subject.answer(inputs)
        except CannotMeasure as refusal:
            raise NotRun(f"On inputs damaged by {corruption.name} the model gave no usable answer: {refusal}") from refusal

    def _metrics(self, clean: Floats, scores: dict[str, Floats]) -> list[Metric]:
        yard = self._yardstick
        how: dict[str, Any] = {"seed": self._subject.seed, "confidence": self._confidence}
        metrics = [estimated(NAME, f"clean_{yard.name}", yard.estimate(clean, **how), unit=yard.unit)]
        for name, at in scores.items():
            treated = [(f"corrupted_{yard.name}", yard.change_name, f"{name}, severity {s}", at[:, s - 1]) for s in SEVERITIES]
            treated.append((f"mean_corrupted_{yard.name}", f"mean_{yard.change_name}", name, at))
            for metric, change_name, label, values in treated:
                value = yard.estimate(values, **how)
                metrics.append(estimated(NAME, metric, value, unit=yard.unit, label=label))
                change = yard.change(values, clean, **how)
                if change is not None:
                    metrics.append(estimated(NAME, change_name, change, unit="proportion", label=label))
        return metrics

    def _charts(self, clean: Floats, scores: dict[str, Floats]) -> list[Chart]:
        light = {name: at for name, at in scores.items() if name in LIGHT}
        damage = {name: at for name, at in scores.items() if name not in LIGHT}
        drawn = [
            ("robustness_damage", "Under noise and damage", damage),
            ("robustness_light", "Under other light", light),
        ]
        return [self._lines(name, title, clean, group) for name, title, group in drawn if group]

    def _lines(self, name: str, title: str, clean: Floats, scores: dict[str, Floats]) -> Chart:
        yard = self._yardstick

        def value(values: Floats) -> float:
            return float(np.mean(values)) if yard.more_is_better else float(np.sqrt(np.mean(values)))

        rows = [
            {"series": corruption, "x": severity, "y": value(at) * yard.factor}
            for corruption, scored in scores.items()
            for severity, at in ((0, clean), *((s, scored[:, s - 1]) for s in SEVERITIES))
        ]
        worst = (min if yard.more_is_better else max)(scores, key=lambda one: value(scores[one][:, -1]))
        description = (
            f"{yard.title} of {len(clean):,} rows at severities 1 to 5, drawn from all rows; 0 is without damage "
            f"({yard.written(value(clean))}). At severity 5 the worst is {worst}: {yard.written(value(scores[worst][:, -1]))}. "
            "It shows what these kinds of damage do, not what others would."
        )
        columns = [{"key": "series", "title": "Damage"}, {"key": "x", "title": "Severity"}, {"key": "y", "title": yard.axis}]
        more = {"x_title": "Severity", "y_title": yard.axis, "check": NAME}
        return Chart(name, f"{yard.title}: {title.lower()}", "lines", columns, rows, description, more)
