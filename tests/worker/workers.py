"""Real Celery workers, as processes of their own, on the database, the Redis and the folders of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import connection

from config.services.processes import descendants

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds for what has no limit of its own; the machine may be busy with other things
T = TypeVar("T")


def until(look: Callable[[], T], what: str, *, seconds: float = PATIENCE, worker: Worker | None = None) -> T:
    """What `look` finds, once it finds something; fails with the worker's last words when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert worker is None or worker.process.poll() is None, f"The worker ended: {worker.said()}"
        assert time.monotonic() < deadline, f"{what} did not come within {seconds} s. {worker.said() if worker else ''}"
        time.sleep(0.1)
    return found


class Worker:
    """A worker of every queue, with the clock in it (`-B`), so that it also sweeps."""

    def __init__(self, folder: Path, name: str, **variables: str) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        address = urlsplit(settings.DATABASE_URL)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("COUNTERSIGN_", "PYTEST_"))}
        environment |= {
            "DATABASE_URL": urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}")),
            "REDIS_URL": settings.REDIS_URL,
            "COUNTERSIGN_DATA": str(settings.DATA_DIR),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "OMP_NUM_THREADS": "1",
            **variables,
        }
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-l", "INFO", "-n", f"{name}@%h", "-B"]
        command += ["-s", str(folder / f"{name}.beat"), "-Q", "evaluations,reports,default", "-c", "2"]
        command += ["--without-gossip", "--without-mingle"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def lines(self) -> list[dict[str, Any]]:
        """Its log, line by line: each is one JSON object (Celery's banner, which no logger writes, aside)."""
        return [json.loads(line) for line in self.log.read_text(errors="replace").splitlines() if line.startswith("{")]

    def kill(self) -> set[int]:
        """SIGKILL to the worker and everything below it, at once; the numbers of those that were killed."""
        below = set(descendants(self.process.pid))
        for pid in (self.process.pid, *below):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                below.discard(pid)
        self.process.wait(timeout=10)
        return below | {self.process.pid}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
