"""How far the child is, as lines of JSON in a file that the worker may read while it runs."""

from __future__ import annotations

import json
import time
from pathlib import Path

EVERY = 0.5  # seconds between two lines at most


class Progress:
    """Appends `{"stage", "done", "total"}` lines to `path`: the first, the last, and at most one each half second between."""

    def __init__(self, path: Path, total: int) -> None:
        self._path, self._total, self._last = path, total, float("-inf")
        self._path.touch()

    def __call__(self, done: int, *, stage: str = "measuring") -> None:
        moment = time.monotonic()
        if done < self._total and moment - self._last < EVERY:
            return
        self._last = moment
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "done": done, "total": self._total}) + "\n")
