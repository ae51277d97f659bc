"""Two runs held against each other: every metric, and every tensor of the checkpoints that both have kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far a value may be from the recorded one: a share of it, and of 1 where it is smaller. By name, else for all."""

    everywhere: float = TOLERANCE
    named: Mapping[str, float] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def of(self, name: str) -> float:
        return self.named.get(name, self.everywhere)

    def ignores(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.ignored)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of both runs. None: that run does not have it."""

    name: str
    recorded: float | None
    reproduced: float | None
    difference: float | None
    tolerance: float
    verdict: str  # within, outside, missing, new or ignored

    @property
    def holds(self) -> bool:
        return self.verdict in {"within", "new", "ignored"}


def metrics(recorded: Mapping[str, float], reproduced: Mapping[str, float], tolerances: Tolerances) -> list[Metric]:
    """The last values of both, by name. One that only the new run has says nothing against it; a missing one does."""
    return [_metric(name, recorded.get(name), reproduced.get(name), tolerances) for name in sorted({*recorded, *reproduced})]


def _metric(name: str, before: float | None, now: float | None, tolerances: Tolerances) -> Metric:
    tolerance = tolerances.of(name)
    difference = None if before is None or now is None else distance(before, now)
    if tolerances.ignores(name):
        verdict = "ignored"
    elif before is None:
        verdict = "new"
    elif difference is None:
        verdict = "missing"
    else:
        verdict = "within" if within(before, difference, tolerance) else "outside"
    return Metric(name, before, now, difference, tolerance, verdict)


def distance(before: float, now: float) -> float:
    """|now − before|; 0 for the same value also where it is not finite, and infinity where one alone is not."""
    if before == now or (math.isnan(before) and math.isnan(now)):
        return 0.0
    gap = abs(now - before)
    return math.inf if math.isnan(gap) else gap


def within(before: float, difference: float, tolerance: float) -> bool:
    size = abs(before) if math.isfinite(before) else 0.0
    return difference <= tolerance * max(1.0, size)
