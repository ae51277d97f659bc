"""Rows of answers made up by the tests, fed to one check as the engine's pass would feed it."""

from __future__ import annotations

import numpy as np
import torch

from evaluations.engine.findings import Findings
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Check, Subject
from evaluations.engine.tasks import Task


def subject(task, classes, rows, **more) -> Subject:
    return Subject(torch.nn.Identity(), task, list(classes), rows, 64, 1, 0, **more)


def feed(check: Check, targets, outputs, *, task, columns=None, step=997) -> Findings:
    """What the check finds on targets [n] and outputs [n, K], seen in several chunks."""
    told = Task(*task) if isinstance(task, tuple) else task
    for first in range(0, len(targets), step):
        part = slice(first, first + step)
        p = np.asarray(outputs[part], dtype=np.float64)
        codes = {name: np.asarray(values[part]) for name, values in (columns or {}).items()}
        check.see(Answers(first, torch.zeros(len(p), 1), np.asarray(targets[part]), p, told.predicted(p), codes))
    return check.finish()


def value(found: Findings, name, label=""):
    """The one metric of this name and label."""
    (metric,) = [m for m in found.metrics if (m.name, m.label) == (name, label)]
    return metric
