"""A named measure with its target: printed, and kept as JSON in benchmarks/results/."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Result:
    """`value` held against `target`: at least or at most it. `how` says what was measured against what, and the raw numbers."""

    name: str
    value: float
    target: float
    direction: str  # "at least" or "at most"
    how: str

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.direction == "at least" else self.value <= self.target

    def line(self) -> str:
        verdict = "" if self.met else "  MISSED"
        return f"  {self.name:<36} {self.value:>10.4g}  ({self.direction} {self.target:.4g}){verdict}\n      {self.how}"

    def keep(self) -> None:
        """The result stands in benchmarks/results/NAME.json."""
        FOLDER.mkdir(exist_ok=True)
        text = json.dumps({**asdict(self), "met": self.met}, indent=2, sort_keys=True)
        (FOLDER / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


class Stopwatch:
    seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """The stopwatch tells, once the block has ended, how many seconds it took."""
    watch, begun = Stopwatch(), time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - begun
