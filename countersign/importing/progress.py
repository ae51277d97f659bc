"""What an import shows while it goes on, and what it says at its end: how much was taken, what was left out, and why."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TextIO

WIDTH = 24  # signs of the bar
NAMES = 8  # that stand behind one reason; --json has them all


class Progress:
    """A bar that is drawn anew on a terminal; elsewhere a plain line at each tenth. Several threads may advance it."""

    def __init__(self, total: int, *, what: str, stream: TextIO | None = None, silent: bool = False) -> None:
        self.total, self.what, self.done = total, what, 0
        self._stream = stream or sys.stderr
        self._bar = self._stream.isatty()
        self._silent = silent
        self._lock = threading.Lock()
        self._begun = time.monotonic()

    def advance(self, by: int = 1) -> None:
        """So much more is done."""
        with self._lock:
            before, self.done = self.done, self.done + by
            if self._silent or not self.total:
                return
            if self._bar:
                self._stream.write("\r" + self._line())
                self._stream.flush()
            elif before * 10 // self.total != self.done * 10 // self.total:
                self._stream.write(f"{self.done:,} of {self.total:,} {self.what}\n")

    def close(self) -> None:
        """The bar's line ends, so that what follows begins on one of its own."""
        if self._bar and not self._silent and self.done:
            self._stream.write("\n")

    def _line(self) -> str:
        filled = min(WIDTH, self.done * WIDTH // self.total)
        return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {self.done:,} of {self.total:,} {self.what}{self._left()}  "

    def _left(self) -> str:
        took = time.monotonic() - self._begun
        seconds = took / self.done * (self.total - self.done) if self.done else 0
        if took < 2 or seconds < 1:
            return ""
        return f", {seconds / 60:.0f} min left" if seconds > 90 else f", {seconds:.0f} s left"


@dataclass(frozen=True)
class Left:
    """Something that did not come in: `what` it is (run, artifact …), its name, why, and whether the site refused it."""

    what: str
    name: str
    why: str
    refused: bool = False


@dataclass
class Summary:
    """Counts of what came in, and everything that did not. Several threads may write to it."""

    source: str
    taken: dict[str, int] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, **counts: int) -> None:
        """So many more of each: `take(runs=1, points=500)`."""
        with self._lock:
            for what, count in counts.items():
                if count:
                    self.taken[what] = self.taken.get(what, 0) + count

    def leave(self, what: str, name: str, why: str, *, refused: bool = False) -> None:
        with self._lock:
            self.left.append(Left(what, name, why, refused))

    def note(self, sentence: str) -> None:
        with self._lock:
            self.notes.append(sentence)

    @property
    def refused(self) -> bool:
        """Something that should have come in did not: the command ends with another code than 0."""
        return any(one.refused for one in self.left)

    def as_json(self) -> dict[str, Any]:
        left = [{"what": one.what, "name": one.name, "why": one.why, "refused": one.refused} for one in self.left]
        return {"source": self.source, "taken": dict(self.taken), "skipped": left, "notes": list(self.notes)}

    def words(self) -> str:
        """For people: the counts, then each reason once with the first names that it is about."""
        counted = ", ".join(f"{count:,} {_named(what, count)}" for what, count in self.taken.items())
        lines = [f"Taken from {self.source}: {counted or 'nothing'}."]
        if self.left:
            lines += ["Left out:", *(f"  - {line}" for line in self._reasons())]
        if self.notes:
            lines += ["To be known:", *(f"  - {note}" for note in self.notes)]
        return "\n".join(lines)

    def _reasons(self) -> Iterable[str]:
        together: dict[tuple[str, str], list[str]] = {}
        for one in self.left:
            together.setdefault((one.what, one.why), []).append(one.name)
        for (what, why), names in together.items():
            more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
            yield f"{len(names):,} {_named(what + 's', len(names))}: {why} ({', '.join(names[:NAMES])}{more})"


def _named(plural: str, count: int) -> str:
    return plural.replace("_", " ").removesuffix("s") if count == 1 else plural.replace("_", " ")
