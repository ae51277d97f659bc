"""The thread beside a training that writes down what it reports, and sends it."""

from __future__ import annotations

import random
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from countersign.tracking.delivering import Delivery, Later
from countersign.tracking.spool import Spool

if TYPE_CHECKING:
    from countersign.tracking.running import Run


@dataclass(frozen=True)
class Pace:
    """Seconds."""

    between: float = 2.0  # two batches
    heartbeat: float = 30.0  # of a run that has nothing to say
    first: float = 1.0  # pause after a failure; doubled after each further one
    longest: float = 60.0


PACE = Pace()
EAGER = 20  # attempts after the end that follow each other quickly


class Courier(threading.Thread):
    """Gathers what was said, puts it into the spool and sends it from there, until the run has ended and all has arrived.

    The training never waits for it, and nothing that goes wrong here reaches the training.
    """

    def __init__(self, spool: Spool, delivery: Delivery | None, run: Run) -> None:
        super().__init__(name="countersign", daemon=True)
        self._spool, self._delivery, self._run = spool, delivery, run
        self._wake, self._ending = threading.Event(), threading.Event()
        self.asked = threading.Event()  # the site has answered for the first time, or has not
        self.over = threading.Event()  # nothing more will be sent by this thread
        self.idle = threading.Event()  # everything said so far has arrived
        self.why = ""  # it cannot be sent, in the words of the last failure
        self._failures, self._next, self._heard = 0, 0.0, time.monotonic()

    def wake(self) -> None:
        self._wake.set()

    def finish(self) -> None:
        """The run has ended: whatever is still here is sent as soon as possible."""
        self._failures, self._next = 0, 0.0
        self._ending.set()
        self._wake.set()

    def run(self) -> None:
        try:
            while not self._round():
                self._wake.wait(self._pause())
                self._wake.clear()
        except Exception as error:  # whatever it is, the training goes on
            self.why = self.why or f"{type(error).__name__}: {error}"
            self._run.warn(
                f"Reporting of {self._run.called} has stopped ({self.why}). What was said so far is in {self._spool.folder}."
            )
        finally:
            if self._delivery:
                self._delivery.close()
            self.asked.set()
            self.over.set()

    def _round(self) -> bool:
        """Write and send what there is; True when nothing is left to do."""
        ending = self._ending.is_set() and not self._run.still_looking()  # asked first: what was said by then is gathered now
        self._run.gather()
        if self._delivery is None:
            self._keep_files()
            if ending:
                self._spool.close()
            return ending
        if time.monotonic() >= self._next:
            self._send(self._delivery)
        if ending and self._spool.is_empty:
            self._spool.remove()
            return True
        if ending and self.why and self._next == float("inf"):
            self._spool.close()
            return True
        return False

    def _send(self, delivery: Delivery) -> None:
        try:
            while delivery.next(self._spool):
                self._heard = time.monotonic()
                self.asked.set()
            if time.monotonic() - self._heard >= PACE.heartbeat and not self._ending.is_set():
                delivery.heartbeat()
                self._heard = time.monotonic()
        except Later as failure:
            self._failed(failure)
            return
        if self.why:
            self._run.warn(f"The site answers again: {self._run.called} is caught up.")
        self.why, self._failures, self._next = "", 0, 0.0
        self.idle.set()

    def _failed(self, failure: Later) -> None:
        if not self.why:
            self._run.warn(
                f"{failure} {self._run.called} goes on; what it reports is kept in {self._spool.folder} "
                "and sent when the site takes it."
            )
        self.why = str(failure)
        self._failures += 1
        pause = min(PACE.longest, PACE.first * 2 ** min(self._failures - 1, 10)) if failure.soon else PACE.longest
        if self._ending.is_set() and not failure.soon:
            pause = float("inf")
        elif self._ending.is_set() and self._failures <= EAGER:  # somebody waits for it
            pause = min(pause, PACE.between)
        self._next = time.monotonic() + pause * random.uniform(0.5, 1.0)  # noqa: S311 - so that many runs do not come back at once
        self.asked.set()
        self._keep_files()

    def _pause(self) -> float:
        until_next = max(0.0, self._next - time.monotonic())
        return min(PACE.between, until_next) if self._ending.is_set() and until_next else PACE.between

    def _keep_files(self) -> None:
        """Copies of the artifacts that wait: the training may overwrite or remove them before they can be sent."""
        while self._spool.files:
            number, file = self._spool.files.popleft()
            if number > self._spool.done:
                self._keep(Path(file), self._spool.copy_of(number))

    def _keep(self, file: Path, target: Path) -> None:
        partial = target.with_suffix(".part")
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(file, partial)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            self._run.warn(f"No copy of {file} could be kept ({error.strerror or error}): leave it where it is.")
