"""A Redis of our own, on a unix socket in a folder that only its user can enter. It runs when it answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from config.services import processes
from config.services.binaries import Redis
from config.services.identity import Identity
from config.setup.problem import Problem

NUMBERS = 64  # so that each worker of a test run gets one of its own


class PrivateRedis:
    def __init__(self, data: Path, *, binaries: Redis, sockets: Path, identity: Identity, lasting: bool = True) -> None:
        self.data = data / "redis"
        self.log = data / "logs" / "redis.log"
        self.binaries = binaries
        self.socket = sockets / "redis.sock"
        self.identity = identity
        self.lasting = lasting
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        """The server answers. Its data are the queue and the cache; the truth is in PostgreSQL."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        if not self.identity.is_caller:
            os.chown(self.data, self.identity.uid, self.identity.gid)
        self.socket.unlink(missing_ok=True)
        options: dict[str, list[str | Path]] = {
            "port": ["0"],
            "unixsocket": [self.socket],
            "unixsocketperm": ["700"],
            "dir": [self.data],
            "databases": [str(NUMBERS)],
            "save": ["60", "1"] if self.lasting else [""],  # a used one-time code stays used after a restart
            "daemonize": ["no"],
            "maxmemory-policy": ["noeviction"],
        }
        self.process = processes.start(
            [self.binaries.program, *(word for name, values in options.items() for word in (f"--{name}", *values))],
            log=self.log,
            identity=self.identity,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            cwd=self.data,
            death_signal=signal.SIGTERM,
        )
        deadline = time.monotonic() + 60
        while not self._answers():
            if processes.has_ended(self.process) or time.monotonic() > deadline:
                raise Problem(f"Redis did not start ({processes.last_line(self.log)}); its log is {self.log}.")
            time.sleep(0.02)

    def stop(self) -> None:
        """The server has ended and has written what should last."""
        if self.process is not None:
            processes.stop(self.process, (signal.SIGTERM, 10))

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False
