"""The real web process, as the site starts it, and what it takes of memory."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, SIGTERM

from config.services import processes
from config.services.site import PROJECT, Sizes, parts

CHUNK = 1 << 20
PATIENCE = 120  # seconds until it answers


@dataclass
class Web:
    """One gunicorn with one worker, on a port of its own."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def workers(self) -> list[int]:
        return list(processes.descendants(self.process.pid))

    def forget_peak(self) -> None:
        """From now on, `peak` tells of what comes."""
        for pid in self.workers:
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def resident(self) -> int:
        """Bytes that the workers hold now."""
        return sum(_kilobytes(pid, "VmRSS") for pid in self.workers) * 1024

    def peak(self) -> int:
        """The most that they held since `forget_peak`."""
        return sum(_kilobytes(pid, "VmHWM") for pid in self.workers) * 1024

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def put(self, address: str, file: Path, *, key: str) -> tuple[int, bytes]:
        """The file as a raw body in chunks: status and body of the answer."""
        connection = self.connect()
        try:
            connection.putrequest("PUT", address)
            connection.putheader("Authorization", f"Bearer {key}")
            connection.putheader("Content-Type", "application/octet-stream")
            connection.putheader("Content-Length", str(file.stat().st_size))
            connection.endheaders()
            with file.open("rb") as source:
                while chunk := source.read(CHUNK):
                    connection.send(chunk)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def web_process(folder: Path, environment: Mapping[str, str]) -> Iterator[Web]:
    """It answers; when the block ends, nothing of it is left."""
    port = _free_port()
    part = parts(data=folder, port=port, sizes=Sizes(web_processes=1, web_threads=8, evaluations=1, reports=1))[0]
    log = folder / "web.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(word) for word in part.command],
            cwd=PROJECT,
            env={**environment, **part.variables},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        web = Web(port, process, log)
        _await(web)
        yield web
    finally:
        processes.stop(process, (SIGTERM, 5), (SIGKILL, 5))


def _await(web: Web) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = web.connect()
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        if web.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"The web process does not answer: {web.log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def _kilobytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
