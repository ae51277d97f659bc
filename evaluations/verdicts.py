"""What measured numbers mean under thresholds: passed, failed, or not settled. Pure: nothing is read or written.

A verdict rests on the confidence bound, never on the point. Passed: even the unfavourable bound meets the threshold. Failed: even
the favourable one misses it. Otherwise inconclusive, with the number of rows that would settle it. What was not measured is
`not_run`. Inconclusive and missing block like failures: nothing is green but a pass.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.errors import InvalidInput
from evaluations import wording
from measures.proportions import rows_to_settle

PASSED, FAILED, INCONCLUSIVE, NOT_RUN = "passed", "failed", "inconclusive", "not_run"
WORST = "*"  # as a threshold's label: every class must meet it, so the worst one decides
GRAVEST_FIRST = (FAILED, NOT_RUN, INCONCLUSIVE, PASSED)  # what blocks stands before what does not


class Measured(Protocol):
    """A measured number, as `evaluations.models.Metric` has it. A number without a confidence was counted: it is its own
    bounds. A bound that is None beside a confidence is no bound. n = 0 means that nothing is known."""

    check_name: str
    name: str
    label: str
    value: float
    low: float | None
    high: float | None
    confidence: float | None
    method: str
    n: int
    unit: str


@dataclass(frozen=True, slots=True)
class Threshold:
    """One line of a policy: a minimum that the lower bound must reach, or a maximum that the upper bound must not exceed."""

    check: str
    metric: str
    label: str
    limit: float
    is_minimum: bool


@dataclass(frozen=True, slots=True)
class CheckVerdict:
    """What one threshold says about the numbers; `rows_needed` only where it is inconclusive and more rows would tell."""

    threshold: Mapping[str, Any]
    outcome: str  # passed | failed | inconclusive | not_run
    value: float | None
    low: float | None
    high: float | None
    n: int
    sentence: str
    label: str = ""  # the class that decided, where the threshold asks for the worst
    rows_needed: int | None = None

    @property
    def title(self) -> str:
        """What was asked, in words: "Accuracy, at least 95 %"."""
        return title_of(self.threshold)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all thresholds say together: passed only where there are some and every one passed."""

    outcome: str  # passed | failed | inconclusive
    checks: list[CheckVerdict]

    @property
    def sentence(self) -> str:
        """How many thresholds were met, in one sentence."""
        if not self.checks:
            return _("No threshold was set, so nothing can pass.")
        passed = sum(check.outcome == PASSED for check in self.checks)
        total = len(self.checks)
        if passed == total:
            return ngettext("The threshold is met.", "All %(total)d thresholds are met.", total) % {"total": total}
        return ngettext("%(passed)d of %(total)d threshold is met.", "%(passed)d of %(total)d thresholds are met.", total) % {
            "passed": passed,
            "total": total,
        }


def threshold_of(line: Mapping[str, Any]) -> Threshold:
    """A policy's line as a threshold; refuses one that could not be judged, so that no policy is published with it."""
    known = {"check", "metric", "label", "bound", "minimum", "maximum"}
    if not isinstance(line, Mapping) or set(line) - known or not line.get("check") or not line.get("metric"):
        raise InvalidInput(_("A threshold names a check, a metric, a bound and a minimum or a maximum, and nothing else."))
    ends = [name for name in ("minimum", "maximum") if name in line]
    if len(ends) != 1 or line.get("bound") != {"minimum": "lower", "maximum": "upper"}[ends[0]]:
        raise InvalidInput(
            _("A threshold has either a minimum for the lower bound or a maximum for the upper bound: %(metric)s has not.")
            % {"metric": line["metric"]}
        )
    limit = line[ends[0]]
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not math.isfinite(limit):
        raise InvalidInput(_("The threshold of %(metric)s is not a finite number.") % {"metric": line["metric"]})
    return Threshold(str(line["check"]), str(line["metric"]), str(line.get("label", "")), float(limit), ends[0] == "minimum")


def title_of(line: Mapping[str, Any]) -> str:
    """A policy's line in words: "Accuracy, at least 95 %"."""
    try:
        return wording.title_of(threshold_of(line))
    except InvalidInput:
        return _("A threshold that cannot be read")


def judge(
    metrics: Sequence[Measured],
    thresholds: Sequence[Mapping[str, Any]],
    *,
    not_run: Mapping[str, str] | None = None,
    unsaid: Collection[str] = (),
) -> Verdict:
    """Each threshold's verdict and the gravest of them; without thresholds, or with one that is unreadable, nothing passes.

    `not_run` says of checks that came to nothing why ("" stands for all of them); the sentence of their thresholds repeats it.
    Checks whose outcome is among `unsaid` have no sentence: of ten thousand versions nobody reads what passed.
    """
    checks = [_judge(metrics, line, not_run or {}, unsaid) for line in thresholds]
    outcomes = {check.outcome for check in checks}
    if FAILED in outcomes:
        return Verdict(FAILED, checks)
    return Verdict(PASSED if outcomes == {PASSED} else INCONCLUSIVE, checks)


def _judge(
    metrics: Sequence[Measured], line: Mapping[str, Any], not_run: Mapping[str, str], unsaid: Collection[str]
) -> CheckVerdict:
    try:
        threshold = threshold_of(line)
    except InvalidInput as refusal:
        return CheckVerdict(line, NOT_RUN, None, None, None, 0, str(refusal))
    named = [m for m in metrics if (m.check_name, m.name) == (threshold.check, threshold.metric)]
    found = [m for m in named if m.label == threshold.label] if threshold.label != WORST else [m for m in named if m.label]
    if not found:
        why = not_run.get(threshold.check) or not_run.get("", "")
        return CheckVerdict(line, NOT_RUN, None, None, None, 0, f"{wording.missing(threshold)} {why}".rstrip())
    if len({m.label for m in found}) != len(found):
        return CheckVerdict(line, NOT_RUN, None, None, None, 0, wording.measured_twice(threshold))
    judged = [(_outcome(m, threshold), m) for m in found]
    outcome, decisive = min(judged, key=lambda pair: (GRAVEST_FIRST.index(pair[0]), _distance(pair[1], threshold, pair[0])))
    needed = _rows_needed(decisive, threshold) if outcome == INCONCLUSIVE else None
    return CheckVerdict(
        threshold=line,
        outcome=outcome,
        value=decisive.value if decisive.n > 0 else None,
        low=decisive.low,
        high=decisive.high,
        n=decisive.n,
        sentence=""
        if outcome in unsaid
        else wording.sentence(
            outcome,
            decisive,
            threshold,
            rows_needed=needed,
            among=len(found) if threshold.label == WORST else 0,
            alike=sum(one == outcome for one, _m in judged),
        ),
        label=decisive.label,
        rows_needed=needed,
    )


def bounds(m: Measured) -> tuple[float, float]:
    """The interval to judge by: a counted number is its own interval, a missing bound is no bound."""
    if m.confidence is None:
        return m.value, m.value
    return (-math.inf if m.low is None else m.low), (math.inf if m.high is None else m.high)


def _outcome(m: Measured, threshold: Threshold) -> str:
    low, high = bounds(m)
    if m.n <= 0 or not math.isfinite(m.value) or not low <= m.value <= high:
        return NOT_RUN  # nothing is known, or what was written is no measurement
    limit = threshold.limit
    met, missed = (low >= limit, high < limit) if threshold.is_minimum else (high <= limit, low > limit)
    return PASSED if met else FAILED if missed else INCONCLUSIVE


def _distance(m: Measured, threshold: Threshold, outcome: str) -> float:
    """Orders the classes of one outcome, worst first: by the bound that decided."""
    low, high = bounds(m)
    if outcome == NOT_RUN:
        return 0.0
    if threshold.is_minimum:
        return high if outcome == FAILED else low
    return -low if outcome == FAILED else -high


def _rows_needed(m: Measured, threshold: Threshold) -> int | None:
    """The rows at which an interval around the same value would no longer contain the limit; None where none would do.

    A proportion is planned with Jeffreys' interval. Other intervals narrow with the square root of the rows.
    """
    if m.confidence is None:
        return None
    if m.method in ("jeffreys", "wilson") and 0.0 <= m.value <= 1.0:
        return rows_to_settle(m.value, threshold.limit, confidence=m.confidence)
    low, high = bounds(m)
    half = m.value - low if m.value > threshold.limit else high - m.value
    apart = abs(m.value - threshold.limit)
    if apart == 0.0 or not half < 1e9 * apart:
        return None
    needed = m.n * (half / apart) ** 2
    return max(m.n + 1, math.ceil(needed)) if needed < 1e9 else None
