"""What every measure returns: a value with its interval and sample size, and the refusal when nothing can be measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

CONFIDENCE = 0.95  # two-sided, so the bound that a verdict uses holds with 97.5 %


class NotMeasurable(ValueError):
    """The input cannot be measured. The message is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its two-sided interval.

    `n` counts the rows that inform the value: for the recall of a class the rows of that class, not all rows. `n == 0` means
    that nothing is known: `value` is then only the convention (0.0), and the interval is the whole range.
    `low` or `high` is None where the sample is too small to bound that side at all. Where not None, low <= value <= high.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    confidence: float
    method: str

    def __post_init__(self) -> None:
        for number in (self.value, self.low, self.high):
            if number is not None and not math.isfinite(number):
                raise NotMeasurable("The value is not a finite number, so nothing can be concluded from it.")
        if (self.low is not None and self.low > self.value) or (self.high is not None and self.high < self.value):
            raise NotMeasurable("The interval does not contain its own value.")

    @property
    def known(self) -> bool:
        """Whether any row informs the value."""
        return self.n > 0


def exact(value: float, *, n: int, method: str = "exact") -> Estimate:
    """A value that was counted, not estimated: its interval is itself."""
    return Estimate(float(value), float(value), float(value), n, 1.0, method)


def unknown(low: float, high: float, *, confidence: float, method: str) -> Estimate:
    """Nothing is known: no row informs the value, which may lie anywhere in [low, high]."""
    return Estimate(min(max(0.0, low), high), low, high, 0, confidence, method)


def tail(confidence: float) -> float:
    """The probability left outside on each side; refuses a confidence outside (0, 1)."""
    if not 0.0 < confidence < 1.0:
        raise NotMeasurable(f"A confidence lies between 0 and 1, not at {confidence!r}.")
    return (1.0 - confidence) / 2.0
