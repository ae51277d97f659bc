"""How well the probabilities put the rows in order: area under the ROC curve and average precision, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.checks.performance import curves
from evaluations.engine.checks.performance.part import NAME, Options, bars
from evaluations.engine.findings import Chart, Findings, Metric, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from measures.auc import auc, binned, mean_auc
from measures.blocks import units_of
from measures.estimate import Estimate
from measures.grouped import GroupedMargins
from measures.log_odds import LogOddsCounts
from measures.precision import average_precision, binned_precision
from measures.shares import mean_of_all, mean_of_disjoint

KEPT_ROWS, KEPT_BYTES, KEPT_CLASSES = 50_000, 64 << 20, 100  # up to here the scores are kept, and the areas are exact


class Areas:
    """`auroc` and `average_precision`: of the positive class, or one against the rest for each class or label, with means.

    Up to 50,000 rows the scores are kept, and the areas are exact; beyond, they come from 512 bins of log-odds (to 1e-5).
    """

    def __init__(self, subject: Subject, options: Options, *, margins: GroupedMargins | None) -> None:
        self._subject, self._options = subject, options
        self._margins = margins if subject.group else None
        self._classes = subject.classes[1:] if subject.task == "binary" else subject.classes
        k = len(self._classes)
        self._kept = subject.rows <= KEPT_ROWS and subject.rows * k * 8 <= KEPT_BYTES and k <= KEPT_CLASSES
        self._scores: list[NDArray[np.float64]] = []
        self._positive: list[NDArray[np.bool_]] = []
        self._groups: list[NDArray[np.int64]] = []
        self._counts = None if self._kept else LogOddsCounts(k)

    def see(self, answers: Answers) -> None:
        if self._subject.task == "binary":
            scores, positive = answers.outputs[:, 1:], answers.targets[:, None] == 1
        elif self._subject.task == "multilabel":
            scores, positive = answers.outputs, answers.targets == 1
        else:
            scores, positive = answers.outputs, answers.targets[:, None] == np.arange(len(self._classes))
        if self._counts is not None:
            self._counts.add(scores, positive)
            return
        self._scores.append(scores)
        self._positive.append(positive)
        groups = self._subject.groups_of(answers)
        if groups is not None:
            self._groups.append(groups)

    def finish(self) -> Findings:
        areas, precisions, mean_area = self._binned() if self._counts is not None else self._exact()
        if self._subject.task == "binary":
            curve = curves.of_bins(self._counts.counts[0]) if self._counts is not None else self._curve()
            metrics = [
                estimated(NAME, "auroc", areas[0], unit="proportion"),
                estimated(NAME, "average_precision", precisions[0], unit="proportion"),
            ]
            charts = curves.charts(curve, areas[0], precisions[0], positive=self._classes[0]) if areas[0].known else []
            return Findings(metrics, charts)
        disjoint = self._subject.task == "multiclass"
        mean_precision = (mean_of_disjoint if disjoint else mean_of_all)(precisions, n=self._subject.rows)
        metrics = [
            estimated(NAME, name, e, unit="proportion")
            for name, e in (("macro_auroc", mean_area), ("macro_average_precision", mean_precision))
            if e is not None
        ]
        for name, estimates in (("auroc", areas), ("average_precision", precisions)):
            metrics += self._each(name, estimates)
        return Findings(metrics, self._charts(areas))

    def _each(self, name: str, estimates: Sequence[Estimate]) -> list[Metric]:
        return [estimated(NAME, name, e, unit="proportion", label=c) for c, e in zip(self._classes, estimates, strict=True)]

    def _charts(self, areas: Sequence[Estimate]) -> list[Chart]:
        if self._subject.task != "multilabel":
            return []
        return [bars("auroc", areas, self._classes, confidence=self._options.confidence, kind="label")]

    def _exact(self) -> tuple[list[Estimate], list[Estimate], Estimate | None]:
        scores, positive = np.concatenate(self._scores), np.concatenate(self._positive)
        groups = np.concatenate(self._groups) if self._groups else None
        confidence = self._options.confidence
        areas, precisions = [], []
        for k in range(scores.shape[1]):
            own = positive[:, k]
            areas.append(auc(scores[:, k], own, groups=groups, confidence=confidence))
            behind = None if groups is None else len(np.unique(groups[own]))
            precisions.append(average_precision(scores[:, k], own, groups=behind, confidence=confidence))
        return areas, precisions, mean_auc(scores, positive, groups=groups, confidence=confidence)

    def _binned(self) -> tuple[list[Estimate], list[Estimate], Estimate | None]:
        assert self._counts is not None  # noqa: S101 - asked for in that case only
        options: dict[str, Any] = {"confidence": self._options.confidence}
        areas, precisions = [], []
        for k, (negative, positive) in enumerate(self._counts.counts):
            whole = own = None
            if self._margins is not None:
                column = k + 1 if self._subject.task == "binary" else k
                whole, own = units_of(self._margins.rows), units_of(self._margins.truth[:, column])
            areas.append(binned(negative, positive, groups=whole, **options))
            precisions.append(binned_precision(negative, positive, groups=own, **options))
        return areas, precisions, mean_of_all(areas, n=self._subject.rows)

    def _curve(self) -> curves.Curve:
        scores, positive = np.concatenate(self._scores)[:, 0], np.concatenate(self._positive)[:, 0]
        return curves.of_scores(scores, positive)
