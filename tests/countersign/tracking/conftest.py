"""A small site of the tests' own on real sockets, with weather: it drops, delays, refuses, loses answers, dies and comes back."""

from __future__ import annotations

import contextlib
import http.server
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign.tracking import Run, api, sending

TEAM = "00000000-0000-7000-8000-00000000000a"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    site: Site

    def setup(self) -> None:
        super().setup()
        self.site.connections.append(self.connection)

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        site = self.site
        address = self.path.removeprefix("/api/v1/")
        weather = site.weather(self.command, address)
        if weather == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if weather == "delay":
            site.waiting.set()
            assert site.gate.wait(30)
        if isinstance(weather, int):
            self.say(weather, {"status": weather, "code": "weather", "detail": f"It is {weather} today."})
            return
        with site.lock:
            status, answer = site.hear(self.command, address, body)
            site.heard.append((self.command, address, status))
            site.news.notify_all()
        if weather == "lose":  # heard and done, but nobody is told
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.say(status, answer)

    do_POST = do_PUT = do_GET

    def say(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side went away, as some tests want it to."""


class Site:
    """What it heard of one run, and how it treats who reports. `weather` says, for each request, what happens to it."""

    def __init__(self) -> None:
        self.weather: Callable[[str, str], Any] = lambda method, address: None
        self.gate, self.waiting = threading.Event(), threading.Event()
        self.lock = threading.Lock()
        self.news = threading.Condition(self.lock)
        self.heard: list[tuple[str, str, int]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.series: dict[str, list[tuple[int, float]]] = {}
        self.facts: dict[str, Any] = {"params": {}, "tags": {}, "code": {}, "environment": {}, "training": {}, "data": []}
        self.trainings: list[dict[str, Any]] = []
        self.artifacts: dict[str, bytes] = {}
        self.ended: list[dict[str, Any]] = []
        self.numbers: dict[str, int] = {}
        self.refuses: Callable[[str, Any], tuple[int, str] | None] = lambda address, body: None
        self.port = 0
        self.connections: list[socket.socket] = []
        self.begin()

    def begin(self) -> None:
        """It answers (again, at the same address)."""
        handler = type("Here", (Handler,), {"site": self})
        self._server = Server(("127.0.0.1", self.port), handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def die(self) -> None:
        """Nobody listens there any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        while self.connections:
            with contextlib.suppress(OSError):  # closed already
                self.connections.pop().shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hear(self, method: str, address: str, raw: bytes) -> tuple[int, Any]:
        if address == "me/":
            return 200, {"teams": [{"id": TEAM, "slug": "vision", "name": "Vision"}]}
        body = raw if method == "PUT" else json.loads(raw or b"{}")
        if refusal := self.refuses(address, body):
            return refusal[0], {"status": refusal[0], "code": "refused", "detail": refusal[1]}
        if address == "runs/":
            known = self.runs.get(body["source"])
            self.runs.setdefault(body["source"], {**body, "id": f"run-{len(self.runs) + 1}"})
            return (200 if known else 201), self.runs[body["source"]]
        _runs, _run, what, *rest = address.split("/", 3)
        if method == "PUT":
            self.artifacts[rest[0]] = body
        elif what == "end":
            self.ended.append(body)
        elif what == "log":
            self._log(body)
        return 200, {}

    def _log(self, body: Any) -> None:
        batch = body.pop("batch", None)
        if batch is not None:
            if batch["number"] <= self.numbers.get(batch["writer"], 0):
                return
            self.numbers[batch["writer"]] = batch["number"]
        for one in body.pop("series", []):
            steps, values, _times = api.points(one)
            self.series.setdefault(one["name"], []).extend(zip(steps, values, strict=True))
        for key, value in body.items():
            if key == "data":
                self.facts["data"] += value
            else:
                self.facts[key].update(value)
                if key == "training":
                    self.trainings.append(value)

    def until(self, holds: Callable[[], Any], seconds: float = 20) -> None:
        """Wait for something that it hears."""
        with self.news:
            assert self.news.wait_for(holds, seconds), self.heard[-5:]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, heartbeats and further attempts follow each other in hundredths of a second."""
    monkeypatch.setattr(sending, "PACE", sending.Pace(between=0.02, heartbeat=0.05, first=0.01, longest=0.05))


@pytest.fixture
def site(machine: Path, quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    running = Site()
    monkeypatch.setenv("COUNTERSIGN_URL", running.url)
    monkeypatch.setenv("COUNTERSIGN_KEY", "cs_key")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("COUNTERSIGN_RUN", "COUNTERSIGN_OFFLINE", "RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    begun: list[Run] = []
    begin = Run.begin
    monkeypatch.setattr(Run, "begin", lambda run: (begun.append(run), begin(run)))
    yield running
    running.gate.set()
    running.weather = lambda method, address: None
    for run in begun:  # that a failed test left running
        run.end(wait=5)
    running.die()


@pytest.fixture
def spools(tmp_path: Path) -> Callable[[], list[Path]]:
    """The spools that this person's runs have left on the machine."""
    return lambda: sorted((tmp_path / "state" / "countersign" / "runs").glob("*"))


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the training was told."""
    caplog.set_level(logging.WARNING, logger="countersign")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "countersign"]


def eventually(holds: Callable[[], Any], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)
