"""How far a run is: what the untrusted child wrote so far, read with care, and whether it should go on at all."""

from __future__ import annotations

import json
import logging
import os
import stat
import time
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

from core import clock
from evaluations.models import EvaluationRun

log = logging.getLogger(__name__)
FILE = "progress.jsonl"  # see evaluations.engine.progress
TAIL = 4096  # bytes of the file that are read: the last line has some eighty
OFTEN = 1.0  # seconds between two looks
MOST_ROWS = 2**53 - 1


def read(folder: Path) -> dict[str, Any] | None:
    """{"stage", "done", "total"} of the last whole line that has this shape; None where there is none. The folder is hostile:
    links are not followed, and what is no plain file is not opened for long."""
    try:
        descriptor = os.open(folder / FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
            return None
        os.lseek(descriptor, max(0, info.st_size - TAIL), os.SEEK_SET)
        lines = os.read(descriptor, TAIL).split(b"\n")[:-1]  # what stands behind the last line's end is still being written
    finally:
        os.close(descriptor)
    for line in reversed(lines):
        if found := _told(line):
            return found
    return None


def _told(line: bytes) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
        stage, done, total = str(told["stage"]), told["done"], told["total"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if type(done) is not int or type(total) is not int or not 0 <= done <= total <= MOST_ROWS:
        return None
    return {"stage": "".join(sign for sign in stage if sign.isprintable())[:64], "done": done, "total": total}


class Watching:
    """Shown to the sandbox as `look`: keeps the row's progress current, and says stop once the attempt is no longer ours."""

    def __init__(self, run: EvaluationRun) -> None:
        self._mine = EvaluationRun.objects.filter(pk=run.pk, state=EvaluationRun.State.RUNNING, attempt=run.attempt)
        self._next = 0.0
        self._begun: tuple[float, int] | None = None  # when the first rows were seen, and how many

    def __call__(self, folder: Path) -> bool:
        moment = time.monotonic()
        if moment < self._next:
            return True
        self._next = moment + OFTEN
        told = read(folder)
        try:
            if told is None:
                return self._mine.exists()
            return self._mine.update(progress=self._with_pace(told, moment)) == 1
        except DatabaseError as error:  # the next look may get through; the lease decides in the end
            log.warning("The progress of a run could not be kept: %s", type(error).__name__)
            connection.close()
            return True

    def _with_pace(self, told: dict[str, Any], moment: float) -> dict[str, Any]:
        """With rows a second and the seconds that are left at this pace, once there is a pace."""
        pace: dict[str, Any] = {"rate": None, "left": None}
        if self._begun is None:
            self._begun = (moment, told["done"])
        elif told["done"] > self._begun[1] and moment > self._begun[0]:
            rate = (told["done"] - self._begun[1]) / (moment - self._begun[0])
            pace = {"rate": round(rate, 3), "left": round((told["total"] - told["done"]) / rate, 1)}
        return {**told, **pace, "at": clock.stamp(clock.now())}
