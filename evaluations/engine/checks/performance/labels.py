"""How often the labels of a multi-label model are right: each, together, and all of a row at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluations.engine.checks.performance.part import NAME, Options, bars
from evaluations.engine.findings import Findings, estimated
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from measures import confusion
from measures.blocks import BLOCKS, Blocks, block_numbers, mean_of, units_of
from measures.estimate import Estimate
from measures.grouped import GroupedMargins
from measures.scores import SMALLEST, WORST_LOG_LOSS
from measures.shares import f1_of, ratio


class Labels:
    """Subset accuracy, Hamming loss, log-loss; precision, recall and F1 of each label, of all labels together and their mean."""

    def __init__(self, subject: Subject, options: Options) -> None:
        self._subject, self._options = subject, options
        self.margins = GroupedMargins(len(subject.classes))
        self._whole = np.zeros(BLOCKS, dtype=np.int64)  # rows whose labels are all right
        self._losses = Blocks(1)

    def see(self, answers: Answers) -> None:
        groups = self._subject.groups_of(answers)
        where: dict[str, Any] = {"first_row": answers.first_row, "groups": groups}
        self.margins.add_labels(answers.targets, answers.predicted, **where)
        block = block_numbers(len(answers.targets), BLOCKS, **where)
        whole = (answers.targets == answers.predicted).all(axis=1)
        self._whole += np.bincount(block[whole], minlength=BLOCKS)
        own = np.where(answers.targets == 1, answers.outputs, 1.0 - answers.outputs)
        losses = -np.log(np.clip(own, SMALLEST, 1.0)).mean(axis=1)
        self._losses.add(losses[:, None], **where)

    def finish(self) -> Findings:
        m, confidence = self.margins, self._options.confidence
        grouped = self._subject.group is not None
        units = None if grouped else m.n
        behind = units_of(m.rows) if grouped else m.n
        k = len(self._subject.classes)
        wrong = (m.truth + m.predicted - 2 * m.right).sum(axis=1)
        loss = self._losses.bootstrap(mean_of(0), least=0.0, greatest=WORST_LOG_LOSS, **self._options.bootstrap)
        hamming = ratio(wrong, m.rows * k, units=behind, confidence=confidence)
        overall: dict[str, Estimate] = {
            "subset_accuracy": ratio(self._whole, m.rows, units=behind, confidence=confidence),
            "hamming_loss": Estimate(hamming.value, hamming.low, hamming.high, m.n, confidence, hamming.method),
        }
        right, truth, predicted = (sums.sum(axis=1) for sums in (m.right, m.truth, m.predicted))
        for name, bottom in (("micro_precision", predicted), ("micro_recall", truth)):
            overall[name] = ratio(right, bottom, units=behind, confidence=confidence)
        overall["micro_f1"] = f1_of(ratio(right, truth + predicted - right, units=behind, confidence=confidence))
        each = m.per_class(units=units, confidence=confidence)
        for name, estimates in each.items():
            mean = self._macro(name, estimates)
            if mean is not None:
                overall[f"macro_{name}"] = mean
        metrics = [estimated(NAME, name, e, unit="proportion") for name, e in overall.items()]
        metrics.append(estimated(NAME, "log_loss", loss, unit="nats"))
        for name, estimates in each.items():
            metrics += [
                estimated(NAME, name, e, unit="proportion", label=label)
                for label, e in zip(self._subject.classes, estimates, strict=True)
            ]
        charts = [
            bars(name, each[name], self._subject.classes, confidence=confidence, kind="label") for name in ("recall", "precision")
        ]
        return Findings(metrics, charts)

    def _macro(self, name: str, estimates: list[Estimate]) -> Estimate | None:
        """The mean over the labels of which something is known: bootstrap of blocks, and at least the labels' own bounds in
        quadrature, because a label that was always right resamples to itself."""
        held = [(i, e) for i, e in enumerate(estimates) if e.known]
        if not held:
            return None
        labels = np.array([i for i, _e in held])
        values = np.array([e.value for _i, e in held])
        value, n, options = float(values.mean()), self.margins.n, self._options
        drawn = self.margins.replicates(options.replicates, options.seed)
        picked = confusion.Margins(drawn.right[:, labels], drawn.truth[:, labels], drawn.predicted[:, labels])
        out = (1.0 - options.confidence) / 2.0
        low, high = np.quantile(_MEANS[name](picked).mean(axis=-1), [out, 1.0 - out])
        down = np.sqrt(sum((e.value - (e.low or 0.0)) ** 2 for _i, e in held)) / len(held)
        up = np.sqrt(sum(((1.0 if e.high is None else e.high) - e.value) ** 2 for _i, e in held)) / len(held)
        low, high = max(0.0, min(float(low), value - down, value)), min(1.0, max(float(high), value + up, value))
        method = f"bootstrap of {'groups' if self._subject.group else 'rows'}, {options.replicates:,} replicates"
        return Estimate(value, low, high, n, options.confidence, method)


_MEANS = {"precision": confusion.precisions, "recall": confusion.recalls, "f1": confusion.f1s}
