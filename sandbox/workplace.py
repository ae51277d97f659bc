"""The folder of one job, which goes with its worker: what a killed worker left behind is swept by the next job.

A worker holds a lock on its folder for as long as it lives. A lock tells the living from the dead also where workers in
several containers share a folder for temporary files and would not see one another's process ids.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

_PREFIX, _LOCK = "sandbox-", "lock"
_YOUNG = 60  # seconds, in which a worker may still be about to take its lock


class Workplace:
    """A new folder: `out` for the child, `canary` that it must not read. `leave` removes it."""

    def __init__(self) -> None:
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        self._lock: IO[bytes] = (self.folder / _LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.out, self.canary = self.folder / "out", self.folder / "canary"
        self.out.mkdir(mode=0o700)
        self.canary.write_text("not for the child")
        self.canary.chmod(0o600)
        self.folder.chmod(0o711)  # the child's user passes through to `out` and sees nothing beside it

    def leave(self) -> None:
        """The folder is gone."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.close()


def sweep() -> None:
    """Folders of this user whose workers are dead are gone."""
    for folder in Path(tempfile.gettempdir()).glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):
            info = (folder / _LOCK).lstat()
            if info.st_uid != os.geteuid() or time.time() - info.st_mtime < _YOUNG:
                continue
            descriptor = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: its worker lives
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
