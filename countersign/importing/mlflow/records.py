"""What a run of MLflow is, whichever way it was read: plain values, the same from a folder, a SQLite file and a server."""

from __future__ import annotations

import hashlib
import json
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PARENT = "mlflow.parentRunId"
CONTEXT = "mlflow.data.context"
STATES = {"1": "running", "2": "running", "3": "finished", "4": "failed", "5": "killed"} | {
    "RUNNING": "running",
    "SCHEDULED": "running",
    "FINISHED": "finished",
    "FAILED": "failed",
    "KILLED": "killed",
}
LONGEST = 2**63 - 1  # steps and times are 64-bit whole numbers
_INFINITY = sys.float_info.max  # how MLflow's database stores write an infinity, because SQL has none


class NotMLflow(Exception):
    """The source cannot be read as MLflow's; the message says why and what to do."""


class Unreadable(Exception):
    """One run, or one part of it, cannot be read; the message says why. The others can."""


@dataclass(frozen=True, slots=True)
class Experiment:
    id: str
    name: str
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a run before its history is read."""

    run_id: str
    experiment: Experiment
    name: str
    state: str  # running, finished, failed, killed
    started: int | None  # milliseconds since 1970
    ended: int | None
    user: str
    deleted: bool
    parent: str  # a run_id, or empty


@dataclass(frozen=True, slots=True)
class Points:
    """A metric's whole history, in the order in which it was logged."""

    steps: array[int]
    values: array[float]
    times: array[int]

    def __len__(self) -> int:
        return len(self.steps)

    @classmethod
    def empty(cls) -> Points:
        return cls(array("q"), array("d"), array("q"))

    def add(self, *, step: int, value: float, time: int) -> None:
        """Raises OverflowError, and changes nothing, where a number needs more than 64 bits."""
        if not (-LONGEST <= step <= LONGEST and -LONGEST <= time <= LONGEST):
            raise OverflowError
        self.values.append(value)
        self.steps.append(step)
        self.times.append(time)

    def rows(self) -> Iterator[tuple[int, float, int]]:
        return zip(self.steps, self.values, self.times, strict=True)


@dataclass(frozen=True, slots=True)
class Data:
    """A dataset that the run names as its input."""

    name: str
    digest: str
    context: str
    source_type: str
    source: str
    schema: str
    profile: str


@dataclass(frozen=True, slots=True)
class Run:
    head: Head
    params: dict[str, str]
    tags: dict[str, str]
    series: dict[str, Points]
    data: tuple[Data, ...]
    notes: tuple[str, ...] = ()  # what of it could not be read


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a run. `size` in bytes is what the source says (-1: nothing); `file(most)` gives it as a file of this machine, or
    raises `Unreadable` where it has more than `most` bytes."""

    path: str
    size: int
    file: Callable[[int], AbstractContextManager[Path]]


@dataclass(frozen=True, slots=True)
class NoArtifact:
    """Files that are there and are not taken, with the reason."""

    path: str
    why: str


class Source(Protocol):
    """Where MLflow kept runs. Each method may be called from several threads, save `heads`."""

    @property
    def name(self) -> str: ...

    def heads(self, *, only: frozenset[str]) -> Iterator[Head | NoRun]: ...

    def trace(self, head: Head) -> str:
        """A digest that changes whenever the run has changed, found without reading all of it. Only this reader compares it."""

    def load(self, head: Head) -> Run: ...

    def artifacts(self, head: Head) -> Iterator[Artifact | NoArtifact]: ...

    def models(self) -> list[str]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class NoRun:
    """Something that should be a run, and cannot be read."""

    name: str
    why: str


def digest(facts: object) -> str:
    """Of plain values, the same on every machine."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def state_of(status: object) -> str:
    """MLflow's status, a number in folders and a word elsewhere; what it does not know counts as still running."""
    return STATES.get(str(status).strip().upper(), "running")


def finite_or_infinite(value: float) -> float:
    """The value that was logged, where a database kept an infinity as the largest number there is."""
    return value * 2 if abs(value) == _INFINITY else value


def moment(value: object) -> int | None:
    """Milliseconds since 1970; None where there are none (MLflow also writes 0 or nothing)."""
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if 0 < number < 2**53 else None
