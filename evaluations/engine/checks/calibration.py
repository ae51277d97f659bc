"""Whether the model's probabilities mean what they say, beside the level that chance alone would reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from evaluations.engine.columns import together
from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, counted, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.refusals import NotRun
from evaluations.engine.subject import Subject
from measures import calibration
from measures.blocks import splitmix64
from measures.confusion import Floats
from measures.estimate import CONFIDENCE
from measures.groups import Gathered
from measures.scores import checked_probabilities
from measures.temperature import temperature

NAME = "calibration"
MOST_CLASSES = 100  # measured one by one: each takes some 160 KB
SAMPLE = 20_000  # rows that the temperature is fitted on
SAMPLE_NUMBERS = 4_000_000  # probabilities held for it: 32 MB
GRID = np.linspace(0.0, 1.0, 41)


@dataclass
class _Event:
    """One event that the model gives a probability: of being right, of the positive class, of a class."""

    label: str
    bins: calibration.Bins
    gathered: Gathered = field(default_factory=Gathered)

    def add(self, p: Floats, happened: Floats) -> None:
        self.gathered.add(p, happened)
        self.bins.add(p, happened)


class Calibration:
    """Parts of the Brier score, calibration error beside its level by chance, Spiegelhalter's Z, the best temperature.

    A binary model is asked about its positive class, one with more classes about the class that it predicts; `classwise` asks
    about each class as well. Labels of a multi-label model are asked one by one.
    """

    TASKS: ClassVar = frozenset({"binary", "multiclass", "multilabel"})

    def __init__(
        self,
        subject: Subject,
        *,
        bins: int = calibration.BINS,
        classwise: bool = False,
        draws: int = calibration.DRAWS,
        confidence: float = CONFIDENCE,
    ) -> None:
        self._subject, self._draws, self._confidence, self._count = subject, draws, confidence, bins
        each = classwise or subject.task == "multilabel"
        if each and len(subject.classes) > MOST_CLASSES:
            raise NotRun(f"Calibration is measured class by class for at most {MOST_CLASSES} classes; leave classwise out.")
        self._whole = None if subject.task == "multilabel" else _Event("", calibration.Bins(bins))
        self._each = [_Event(name, calibration.Bins(bins)) for name in subject.classes] if each else []
        share = min(1.0, SAMPLE / subject.rows, SAMPLE_NUMBERS / (subject.rows * max(1, len(subject.classes))))
        self._below = np.uint64(min(int(share * 2.0**64), 2**64 - 1))
        self._sample: list[tuple[Floats, np.ndarray]] = []

    def see(self, answers: Answers) -> None:
        p = answers.outputs
        if self._whole is not None:
            p = checked_probabilities(p)
            if self._subject.task == "binary":
                self._whole.add(p[:, 1], answers.targets == 1)
            else:
                top = np.take_along_axis(p, answers.predicted[:, None], axis=1)[:, 0]
                self._whole.add(np.minimum(top, 1.0), answers.predicted == answers.targets)
            numbers = np.arange(answers.first_row, answers.first_row + len(p))
            kept = splitmix64(numbers) <= self._below
            if kept.any():
                self._sample.append((p[kept], answers.targets[kept]))
        for k, event in enumerate(self._each):
            happened = answers.targets[:, k] == 1 if answers.targets.ndim == 2 else answers.targets == k
            event.add(np.clip(p[:, k], 0.0, 1.0), happened)

    def finish(self) -> Findings:
        metrics: list[Metric] = []
        charts: list[Chart] = []
        if self._whole is not None:
            metrics += self._measured(self._whole)
            metrics.append(self._temperature())
            charts.append(self._reliability(self._whole, metrics))
        each = [self._measured(event) for event in self._each]
        metrics += [metric for found in each for metric in found]
        if each:
            charts.append(self._bars(each))
        return Findings(metrics=metrics, charts=charts)

    def _measured(self, event: _Event) -> list[Metric]:
        options: dict[str, Any] = {"confidence": self._confidence, "seed": self._subject.seed}
        exact, coarse, binned = event.gathered.groups(), event.gathered.groups(coarse=True), event.bins.binned()
        parts = calibration.decomposition_estimates(exact, coarse, **options)
        found = [estimated(NAME, name, e, unit="score", label=event.label) for name, e in parts.items()]
        error = calibration.expected_error_estimate(binned, draws=self._draws, **options)
        squared = calibration.squared_error_estimate(binned, draws=self._draws, **options)
        chance = calibration.chance_of(coarse, binned, bins=self._count, draws=self._draws, seed=self._subject.seed)
        z, p_value = calibration.spiegelhalter(exact)
        drawn = f"{chance.draws:,} draws of labels from the probabilities"

        def number(name: str, value: float, method: str, unit: str) -> Metric:
            return counted(NAME, name, value, n=exact.n, method=method, unit=unit, label=event.label)

        return [
            *found,
            estimated(NAME, "ece", error, unit="proportion", label=event.label),
            number("ece_by_chance", chance.level, f"95 % of {drawn}", "proportion"),
            number("ece_p_value", chance.p_value, drawn, "p"),
            estimated(NAME, "ece_squared_debiased", squared, unit="score", label=event.label),
            number("spiegelhalter_z", z, "test statistic, standard normal if calibrated", "score"),
            number("spiegelhalter_p_value", p_value, "two-sided, normal", "p"),
        ]

    def _temperature(self) -> Metric:
        p, targets = (np.concatenate(parts) for parts in zip(*self._sample, strict=True))
        return estimated(NAME, "temperature", temperature(p, targets, confidence=self._confidence), unit="factor")

    def _reliability(self, event: _Event, metrics: list[Metric]) -> Chart:
        coarse = event.gathered.groups(coarse=True)
        at = GRID[(coarse.p.min() - 0.025 <= GRID) & (coarse.p.max() + 0.025 >= GRID)]
        low, high = calibration.consistency_band(coarse, at, confidence=self._confidence, seed=self._subject.seed)
        curve = np.interp(at, coarse.p, calibration.fitted(coarse.events, coarse.rows))
        nearest = np.abs(coarse.p[:, None] - at[None, :]).argmin(axis=1)
        rows = np.bincount(nearest, weights=coarse.rows, minlength=at.size)
        points = [
            {"p": round(float(p), 3), "observed": float(o), "low": float(a), "high": float(b), "n": int(n)}
            for p, o, a, b, n in zip(at, curve, low, high, rows, strict=True)
        ]
        asked = self._asked()
        outside = int(rows[(curve < low - 1e-9) | (curve > high + 1e-9)].sum())
        named = {metric.name: metric.value for metric in metrics if not metric.label}
        description = (
            f"How often {asked[1]}, against the probability that the model gave it, over {coarse.n:,} rows. The band shows where "
            f"a calibrated model would lie; {outside / coarse.n * 100:.0f} % of the rows lie where the curve leaves it. Expected "
            f"calibration error {named['ece'] * 100:.1f} %; chance alone exceeds {named['ece_by_chance'] * 100:.1f} % once in "
            f"twenty (p = {named['ece_p_value']:.3f}).{together(self._subject)}"
        )
        columns = [
            {"key": "p", "title": asked[0]},
            {"key": "observed", "title": "Observed share"},
            {"key": "low", "title": "Lower edge if calibrated"},
            {"key": "high", "title": "Upper edge if calibrated"},
            {"key": "n", "title": "Rows"},
        ]
        return Chart("reliability", "Reliability", "reliability", columns, points, description, {"check": NAME})

    def _asked(self) -> tuple[str, str]:
        if self._subject.task == "binary":
            positive = self._subject.classes[1]
            return f"Probability given to {positive}", f"a row was {positive}"
        return "Confidence in the predicted class", "the predicted class was right"

    def _bars(self, each: list[list[Metric]]) -> Chart:
        named = [{metric.name: metric for metric in found} for found in each]
        rows = [
            {
                "label": found["ece"].label,
                "value": found["ece"].value,
                "low": found["ece"].low,
                "high": found["ece"].high,
                "n": found["ece"].n,
                "mark": found["ece_by_chance"].value,
            }
            for found in named
        ]
        beyond = sum(found["ece"].value > found["ece_by_chance"].value for found in named)
        description = (
            f"Expected calibration error of each of {len(rows)} classes; the marks show the level that chance alone exceeds once "
            f"in twenty. {beyond} {'class lies' if beyond == 1 else 'classes lie'} above it."
        )
        columns = bar_columns("Class", "Calibration error", mark="Level by chance")
        more = {
            "unit": "proportion",
            "check": NAME,
            "metric": "ece",
            "x_title": "Expected calibration error",
            "y_title": "Class",
            "mark_title": "Level by chance",
        }
        return Chart("ece", "Calibration error of each class", "bars", columns, rows, description, more)
