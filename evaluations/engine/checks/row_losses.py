"""Which rows were wrong, row by row: what the leave-one-out bootstrap needs, which no sum over the rows can give."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.findings import Findings
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject


class RowLosses:
    """The fact `row_losses`: `wrong` (a bit for each row, packed and in base64), rows per true and per predicted class."""

    TASKS = frozenset({"binary", "multiclass"})

    def __init__(self, subject: Subject) -> None:
        self._wrong: list[NDArray[np.bool_]] = []
        self._true = np.zeros(len(subject.classes), dtype=np.int64)
        self._predicted = np.zeros(len(subject.classes), dtype=np.int64)

    def see(self, answers: Answers) -> None:
        self._wrong.append(answers.targets != answers.predicted)
        self._true += np.bincount(answers.targets, minlength=len(self._true))
        self._predicted += np.bincount(answers.predicted, minlength=len(self._predicted))

    def finish(self) -> Findings:
        wrong = np.concatenate(self._wrong) if self._wrong else np.zeros(0, dtype=bool)
        fact = {
            "rows": int(wrong.size),
            "wrong": base64.b64encode(np.packbits(wrong).tobytes()).decode(),
            "true": self._true.tolist(),
            "predicted": self._predicted.tolist(),
        }
        return Findings(facts={"row_losses": fact})
