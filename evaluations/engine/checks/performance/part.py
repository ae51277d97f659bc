"""What the parts of the performance check share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from evaluations.engine.findings import Chart, Findings, bar_columns, percent
from evaluations.engine.inference import Answers
from measures.estimate import Estimate

NAME = "performance"


@dataclass(frozen=True, slots=True)
class Options:
    """How the check was asked to estimate: replicates of a bootstrap, confidence (a share), seed."""

    replicates: int
    confidence: float
    seed: int

    @property
    def bootstrap(self) -> dict[str, Any]:
        """As the bootstraps of `measures` take them."""
        return {"confidence": self.confidence, "replicates": self.replicates, "seed": self.seed}


class Part(Protocol):
    """A check in small: sees every chunk once, then says what it found."""

    def see(self, answers: Answers) -> None: ...

    def finish(self) -> Findings: ...


def bars(name: str, estimates: Sequence[Estimate], labels: Sequence[str], *, confidence: float, kind: str = "class") -> Chart:
    """A bar with its interval for each class (or label), and a sentence on the worst and the best."""
    title = TITLES[name]
    rows = [
        {"label": label, "value": e.value, "low": e.low, "high": e.high, "n": e.n}
        for label, e in zip(labels, estimates, strict=True)
    ]
    of = ROWS.get(name, "rows").replace("class", kind)
    known = [(e, label) for e, label in zip(estimates, labels, strict=True) if e.known]
    description = f"{title} of each {kind} with its {confidence * 100:g} % interval"
    if known:
        worst, label = min(known, key=lambda pair: pair[0].value)
        best, best_label = max(known, key=lambda pair: pair[0].value)
        description += (
            f": from {percent(worst.value)} for {kind} {label} ({interval(worst)}, {worst.n:,} {of}) to "
            f"{percent(best.value)} for {kind} {best_label}."
        )
    else:
        description += "."
    unknown = len(estimates) - len(known)
    if unknown:
        many = f"{kind}es" if kind.endswith("s") else f"{kind}s"
        description += f" Nothing is known of {unknown} {kind if unknown == 1 else many} without such rows."
    columns = bar_columns(kind.capitalize(), title, of.capitalize())
    more = {"unit": "proportion", "check": NAME, "metric": name, "x_title": title, "y_title": kind.capitalize()}
    return Chart(name, f"{title} of each {kind}", "bars", columns, rows, description, more)


TITLES = {
    "recall": "Recall",
    "precision": "Precision",
    "f1": "F1",
    "auroc": "Area under the ROC curve",
    "average_precision": "Average precision",
}
ROWS = {"recall": "rows of the class", "precision": "rows predicted as the class"}


def interval(e: Estimate) -> str:
    """The interval of a share for a sentence: 95 % interval 88.1–93.0 %."""
    low, high = (e.low or 0.0) * 100, (1.0 if e.high is None else e.high) * 100
    return f"{e.confidence * 100:g} % interval {low:.1f}–{high:.1f} %"
