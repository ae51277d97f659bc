"""How far somebody who knows the model can push it with small changes of its inputs, and whether the gradient can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from evaluations.engine.attacks import Attack
from evaluations.engine.findings import Chart, Findings, Metric, counted, estimated
from evaluations.engine.gradients import Differentiable
from evaluations.engine.inference import Answers
from evaluations.engine.sample import SampleWithSpread
from evaluations.engine.subject import Subject
from evaluations.engine.yardstick import TASKS, Floats, yardstick_of
from measures.estimate import CONFIDENCE, Estimate, NotMeasurable

NAME = "adversarial"
ROWS = 256
EPSILONS = (0.02, 0.05, 0.1)  # of the range of the inputs
WHOLE_RANGE = 1.0
STEPS = 20
SLACK = 0.01  # by which PGD may fall behind FGSM through its random start
REMAINS = 0.1  # accuracy left under changes of any size is the gradient's failure, not the model's strength
MOVES = 0.05  # a whole-range change that costs less than this beyond random signs found nothing


class Adversarial:
    """The main measure under random signs, FGSM and PGD at each eps (a share of the inputs' range), and how many signs say that
    the gradient hides what it should show.

    A row counts as right only if it is right unchanged and after every change that was tried. The attack gives an upper bound
    on robust accuracy: a better one may find more.
    """

    TASKS: ClassVar[frozenset[str]] = TASKS

    def __init__(
        self,
        subject: Subject,
        *,
        rows: int = ROWS,
        epsilons: Sequence[float] = EPSILONS,
        steps: int = STEPS,
        restarts: int = 1,
        low: float | None = None,
        high: float | None = None,
        confidence: float = CONFIDENCE,
    ) -> None:
        if not epsilons or not all(0 < eps < WHOLE_RANGE for eps in epsilons) or steps < 1 or restarts < 1:
            raise NotMeasurable(
                "An attack needs sizes between 0 and 1 (shares of the range), and at least one step and one start."
            )
        self._subject, self._confidence, self._edges = subject, confidence, (low, high)
        self._epsilons, self._steps, self._restarts = sorted(set(epsilons)), int(steps), int(restarts)
        self._yardstick, self._model = yardstick_of(subject), Differentiable(subject)
        self._sample = SampleWithSpread(most=rows, seed=subject.seed)

    def see(self, answers: Answers) -> None:
        self._sample.see(answers)

    def finish(self) -> Findings:
        self._model.require(self._sample.inputs)
        clean = self._yardstick.scores(self._sample.targets, self._sample.outputs)
        found = {eps: self._attacked(clean, eps) for eps in (*self._epsilons, WHOLE_RANGE)}
        signs = self._signs(clean, found)
        return Findings(metrics=self._metrics(clean, found, signs), charts=[self._chart(clean, found, signs)])

    @property
    def _methods(self) -> tuple[str, str, str]:
        return "random signs", "FGSM", f"PGD-{self._steps}"

    def _attacked(self, clean: Floats, eps: float) -> list[Floats]:
        """For each method the worst score of each row within eps."""
        attack = Attack(self._model, self._yardstick, self._sample.spread.declared(*self._edges), eps)
        seed = [self._subject.seed % 2**32, round(eps * 1e6)]
        chance, *starts = (np.random.default_rng([*seed, number]) for number in range(1 + self._restarts))
        inputs, targets, size = self._sample.inputs, self._sample.targets, self._subject.batch
        parts: list[tuple[Floats, Floats, Floats]] = []
        for first in range(0, len(inputs), size):
            rows = slice(first, first + size)
            x, y, before = inputs[rows], targets[rows], clean[rows]
            parts.append(
                (
                    attack.random(x, y, before, chance),
                    attack.fgsm(x, y, before),
                    attack.pgd(x, y, before, starts, steps=self._steps),
                )
            )
        return [np.concatenate(scores) for scores in zip(*parts, strict=True)]

    def _signs(self, clean: Floats, found: dict[float, list[Floats]]) -> list[str]:
        """Sentences that each name a sign of masked gradients (Athalye, Carlini, Wagner 2018)."""
        yard, signs = self._yardstick, []
        _, fgsm, pgd = self._methods
        at_any = self._value(found[WHOLE_RANGE][2])
        if yard.more_is_better:
            if at_any > REMAINS:
                signs.append(
                    f"{yard.written(at_any)} is left where inputs may change by their whole range, where nothing should."
                )
        elif at_any <= (1.0 + MOVES) * self._value(clean):
            signs.append("Changes of the whole range find no larger error than the unchanged rows have.")
        for eps in self._epsilons:
            by_random, by_fgsm, by_pgd = (self._value(scores) for scores in found[eps])
            if self._behind(by_pgd, by_fgsm):
                signs.append(f"At eps {eps:g} {pgd} leaves {yard.written(by_pgd)}, more than {fgsm} ({yard.written(by_fgsm)}).")
            if self._behind(by_fgsm, by_random):
                signs.append(f"At eps {eps:g} {fgsm} leaves {yard.written(by_fgsm)}, more than random signs do.")
        return signs

    def _behind(self, one: float, other: float) -> bool:
        """Whether an attack does clearly less than another that it should beat."""
        if self._yardstick.more_is_better:
            return one > other + SLACK
        return one < other * (1.0 - MOVES)

    def _value(self, scores: Floats) -> float:
        mean = float(np.mean(scores))
        return mean if self._yardstick.more_is_better else float(np.sqrt(mean))

    def _metrics(self, clean: Floats, found: dict[float, list[Floats]], signs: list[str]) -> list[Metric]:
        yard, rows = self._yardstick, len(clean)
        metrics = [estimated(NAME, f"clean_{yard.name}", self._estimate(clean), unit=yard.unit)]
        for eps in self._epsilons:
            for method, scores in zip(self._methods, found[eps], strict=True):
                label = f"{method}, eps {eps:g}"
                metrics.append(estimated(NAME, f"robust_{yard.name}", self._estimate(scores), unit=yard.unit, label=label))
        at_any = self._estimate(found[WHOLE_RANGE][2])
        metrics.append(estimated(NAME, f"unbounded_{yard.name}", at_any, unit=yard.unit))
        metrics.append(counted(NAME, "masking_signs", len(signs), n=rows, method="counted", unit="count"))
        return metrics

    def _estimate(self, scores: Floats) -> Estimate:
        return self._yardstick.estimate(scores, seed=self._subject.seed, confidence=self._confidence)

    def _chart(self, clean: Floats, found: dict[float, list[Floats]], signs: list[str]) -> Chart:
        yard, largest = self._yardstick, self._epsilons[-1]
        rows = [
            {"series": method, "x": eps, "y": self._value(scores) * yard.factor}
            for index, method in enumerate(self._methods)
            for eps, scores in ((0.0, clean), *((eps, found[eps][index]) for eps in self._epsilons))
        ]
        by_random, by_fgsm, by_pgd = (yard.written(self._value(scores)) for scores in found[largest])
        bound = "at most" if yard.more_is_better else "at least"
        description = (
            f"{yard.title} of {len(clean):,} rows when every input value may change by up to eps of the range: at eps "
            f"{largest:g} {by_random} under random signs, {by_fgsm} under FGSM, {by_pgd} under {self._methods[2]} "
            f"({self._restarts} random {'start' if self._restarts == 1 else 'starts'}); unchanged "
            f"{yard.written(self._value(clean))}. The attack bounds the model from one side only: against a better one it is "
            f"{bound} as measured here. "
        )
        if signs:
            description += f"The gradient cannot be trusted, so these numbers are too good ({len(signs)}): {' '.join(signs[:3])}"
        else:
            description += (
                "The gradient shows no sign of hiding anything: PGD finds at least what FGSM finds, and all in the end."
            )
        columns = [{"key": "series", "title": "Attack"}, {"key": "x", "title": "eps"}, {"key": "y", "title": yard.axis}]
        more = {"x_title": "eps, share of the range of the inputs", "y_title": yard.axis, "check": NAME}
        return Chart("adversarial", f"{yard.title} under attack", "lines", columns, rows, description, more)
