"""Whether a repeated run came to the same numbers: equal, within a tolerance that was fixed before, or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evaluations.models import EvaluationRun, Metric
from evaluations.recipe import GIVEN

SAME, WITHIN, BEYOND = "same", "within", "beyond"
ROUNDING = 1e-12  # 0.98 - 0.979 is a little more than 0.001
TIMED = "resources"  # times and memory differ from run to run and are not compared
CONDITIONS = (*GIVEN, "countersign", "code")


@dataclass(frozen=True, slots=True)
class Difference:
    """A number that is not the same in both runs; None where one of them does not have it."""

    title: str
    first: float | None
    second: float | None
    unit: str
    beyond: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """What laying two completed runs beside each other shows; `conditions` are what was not the same around them."""

    outcome: str  # same | within | beyond
    compared: int
    tolerance: float
    differences: list[Difference] = field(default_factory=list)
    conditions: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """The outcome in one sentence."""
        if self.outcome == SAME:
            return ngettext(
                "The number came out the same.", "All %(n)d numbers came out the same, digit by digit.", self.compared
            ) % {"n": self.compared}
        words = {"n": len(self.differences), "all": self.compared, "tolerance": f"{self.tolerance:g}"}
        if self.outcome == WITHIN:
            return _("%(n)d of %(all)d numbers differ, none by more than the tolerance of %(tolerance)s.") % words
        words["n"] = sum(one.beyond for one in self.differences)
        return _("%(n)d of %(all)d numbers differ by more than the tolerance of %(tolerance)s.") % words


def agreement_of(first: EvaluationRun, second: EvaluationRun) -> Agreement:
    """How the numbers of `second`, which repeats `first`, lie to those of `first`. Two numbers are near when they
    differ by no more than the tolerance, of the larger one or of one, whichever is more. What only one of them has differs."""
    mine, other = _numbers(first.metrics.all()), _numbers(second.metrics.all())
    differences = []
    for key in sorted(mine.keys() | other.keys()):
        a, b = mine.get(key), other.get(key)
        known = a or b
        if known is None or (a is not None and b is not None and _values(a) == _values(b)):
            continue
        beyond = a is None or b is None or not _near(_values(a), _values(b), first.tolerance)
        title = f"{known}" if known.label == "" else f"{known.title} · {known.label}"
        there, here = (None if one is None else one.value for one in (a, b))
        differences.append(Difference(title, there, here, known.unit, beyond))
    outcome = BEYOND if any(one.beyond for one in differences) else WITHIN if differences else SAME
    if outcome == SAME and first.results_digest != second.results_digest:
        outcome = WITHIN  # the numbers are equal; something else that the digest covers is not
    return Agreement(outcome, len(mine.keys() | other.keys()), first.tolerance, differences, _conditions(first, second))


def _numbers(metrics: Iterable[Metric]) -> dict[tuple[str, str, str], Metric]:
    return {(one.check_name, one.name, one.label): one for one in metrics if one.check_name != TIMED}


def _values(metric: Metric) -> tuple[float | None, ...]:
    return (metric.value, metric.low, metric.high, float(metric.n))


def _near(a: tuple[float | None, ...], b: tuple[float | None, ...], tolerance: float) -> bool:
    return all(
        x == y or (x is not None and y is not None and abs(x - y) <= tolerance * max(1.0, abs(x), abs(y)) + ROUNDING)
        for x, y in zip(a, b, strict=True)
    )


def _conditions(first: EvaluationRun, second: EvaluationRun) -> list[tuple[str, str, str]]:
    """(what, there, here) for everything around the measurement that was not the same."""
    pairs: list[tuple[str, Any, Any]] = [(name, first.recipe.get(name), second.recipe.get(name)) for name in CONDITIONS]
    before, after = first.facts.get("versions", {}), second.facts.get("versions", {})
    pairs += [(name, before.get(name), after.get(name)) for name in sorted(before.keys() | after.keys())]
    pairs.append(("sandbox", first.sandbox.get("level"), second.sandbox.get("level")))
    return [(name, str(a or "–"), str(b or "–")) for name, a, b in pairs if a != b]
