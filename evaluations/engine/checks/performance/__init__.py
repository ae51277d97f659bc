"""How good the model's answers are, measured as its task asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from evaluations.engine.checks.performance.areas import Areas
from evaluations.engine.checks.performance.classes import Classes
from evaluations.engine.checks.performance.labels import Labels
from evaluations.engine.checks.performance.numbers import Numbers
from evaluations.engine.checks.performance.part import NAME, Options, Part
from evaluations.engine.checks.performance.queries import Queries
from evaluations.engine.findings import Findings
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import TASKS
from measures.cells import REPLICATES
from measures.estimate import CONFIDENCE

__all__ = ["NAME", "Performance"]


class Performance:
    """How good the answers are: rates of right classes or labels and areas under the curves, errors of numbers, or rankings.

    `top_k` counts the best k classes. `values` is a matrix of what each prediction is worth for each true class, and gives the
    expected value of a row. `cuts` are the depths of a ranking. Where the data name a group, intervals draw whole groups.
    """

    TASKS: ClassVar = frozenset(TASKS)

    def __init__(
        self,
        subject: Subject,
        *,
        top_k: Sequence[int] = (3,),
        values: Sequence[Sequence[float]] | None = None,
        cuts: Sequence[int] = (10,),
        replicates: int = REPLICATES,
        confidence: float = CONFIDENCE,
    ) -> None:
        options = Options(replicates, confidence, subject.seed)
        self._parts: list[Part]
        if subject.task == "regression":
            self._parts = [Numbers(subject, options)]
        elif subject.task == "ranking":
            self._parts = [Queries(subject, options, cuts=cuts)]
        elif subject.task == "multilabel":
            labels = Labels(subject, options)
            self._parts = [labels, Areas(subject, options, margins=labels.margins)]
        else:
            classes = Classes(subject, options, top_k=top_k, values=values)
            self._parts = [classes, Areas(subject, options, margins=classes.margins)]

    def see(self, answers: Answers) -> None:
        for part in self._parts:
            part.see(answers)

    def finish(self) -> Findings:
        found = [part.finish() for part in self._parts]
        return Findings([metric for one in found for metric in one.metrics], [chart for one in found for chart in one.charts])
