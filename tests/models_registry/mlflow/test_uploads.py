"""Uploads whose length lies or that break off, over a real socket: no row and no blob of them, and the next one is kept."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

from models_registry.models import Version
from tracking import services
from tracking.models import Artifact, LoggedModelFile, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)
BODY = b"the weights of a model" * 50
PATIENCE = 20  # seconds until the server must have come to its end


class Wire:
    """A socket that speaks HTTP as it likes."""

    def __init__(self, url: str, key: str, address: str) -> None:
        self.place = urlsplit(url)
        self.head = f"PUT {address} HTTP/1.1\r\nHost: {self.place.netloc}\r\nAuthorization: Bearer {key}\r\n"

    def send(self, *headers: str, body: bytes, then: str = "half-close") -> tuple[int, dict[str, Any]]:
        """The answer's status and body; (0, {}) where none was waited for."""
        with socket.create_connection((str(self.place.hostname), self.place.port or 80), timeout=PATIENCE) as wire:
            head = self.head + "".join(f"{header}\r\n" for header in headers) + "\r\n"
            wire.sendall(head.encode() + body)
            if then == "reset":  # as when a machine is switched off: no goodbye
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return 0, {}
            if then == "close":
                return 0, {}
            wire.shutdown(socket.SHUT_WR)
            return self._answer(wire)

    def good(self, body: bytes = BODY) -> None:
        status, said = self.send(f"Content-Length: {len(body)}", "Connection: close", body=body)
        assert status == 200, said

    def _answer(self, wire: socket.socket) -> tuple[int, dict[str, Any]]:
        said = b""
        while chunk := wire.recv(65_536):
            said += chunk
        head, _gap, body = said.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body) if body.startswith(b"{") else {}


@pytest.fixture
def run(team: Any, scientist: Any) -> TrainingRun:
    return services.start_run(team, by=scientist, name="training", experiment="digits")


@pytest.fixture
def address(run: TrainingRun) -> str:
    return f"/api/2.0/mlflow-artifacts/artifacts/{run.experiment_id}/{run.pk}/artifacts/net/model.pth"


@pytest.fixture
def site(transactional_db: None, data_dir: Path) -> Iterator[str]:
    """The address of the site, which answers over real HTTP, with this test's folders."""
    server = LiveServer("127.0.0.1")
    yield server.url
    server.stop()


@pytest.fixture
def wire(site: str, key_of: Callable[..., str], scientist: Any, address: str) -> Wire:
    return Wire(site, key_of(scientist), address)


def left(data_dir: Path) -> list[str]:
    """The files that an upload has left: blobs, and what was on its way to be one."""
    return [path.name for folder in ("blobs", "incoming") for path in (data_dir / folder).rglob("*") if path.is_file()]


def settle(check: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end, "the server did not come to its end"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "headers",
    [
        (f"Content-Length: {len(BODY) + 1}",),
        (f"Content-Length: {len(BODY) * 1000}",),
        ("Content-Length: -1",),
        ("Content-Length: many",),
        ("Content-Length: 99999999999999999999",),
        ("Transfer-Encoding: chunked",),
        ("Transfer-Encoding: chunked", f"Content-Length: {len(BODY)}"),
    ],
)
def test_a_length_that_lies_keeps_nothing_and_the_next_upload_is_kept(
    wire: Wire, headers: tuple[str, ...], data_dir: Path
) -> None:
    status, said = wire.send(*headers, "Connection: close", body=BODY)
    assert 400 <= status < 500 and (not said or set(said) == {"error_code", "message"}), (status, said)
    assert not Artifact.objects.exists() and left(data_dir) == []
    wire.good()
    assert Artifact.objects.get().size == len(BODY) and len(left(data_dir)) == 1


def test_what_follows_the_announced_length_is_no_part_of_the_file_and_no_request(
    wire: Wire, run: TrainingRun, address: str
) -> None:
    """A second request that hides behind the body has no key of its own to speak of, and is not done with the first one's."""
    hidden = f"PUT {address}-hidden HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode()
    status, _said = wire.send(f"Content-Length: {len(BODY)}", "Connection: keep-alive", body=BODY + hidden)
    assert status == 200
    assert [(one.path, one.size) for one in run.artifacts.all()] == [("net/model.pth", len(BODY))]


@pytest.mark.parametrize("then", ["close", "reset"])
def test_half_an_upload_leaves_what_was_there(wire: Wire, run: TrainingRun, data_dir: Path, then: str) -> None:
    wire.good()
    before, files = run.artifacts.get().digest, left(data_dir)
    wire.send("Content-Length: 5000000", "Connection: close", body=b"other bytes" * 100_000, then=then)
    wire.good(b"bytes of the next upload")  # another connection, while the first one's end is still on its way
    settle(lambda: len(left(data_dir)) == 2)
    assert run.artifacts.get().digest != before and set(files) < set(left(data_dir))


def test_half_a_file_of_a_logged_model_is_none(
    site: str, key_of: Callable[..., str], scientist: Any, run: TrainingRun, api_of: Callable[..., Any], data_dir: Path
) -> None:
    made = api_of(scientist).post(
        "/api/2.0/mlflow/logged-models", {"experiment_id": str(run.experiment_id), "name": "net"}, format="json"
    )
    model = made.json()["model"]["info"]
    place = model["artifact_uri"].removeprefix("mlflow-artifacts:/")
    wire = Wire(site, key_of(scientist), f"/api/2.0/mlflow-artifacts/artifacts/{place}/MLmodel")
    status, said = wire.send("Content-Length: 999", "Connection: close", body=b"flavors:")
    assert (status, said["error_code"]) == (400, "INVALID_PARAMETER_VALUE") and "before its announced end" in said["message"]
    assert not LoggedModelFile.objects.exists() and left(data_dir) == []
    wire.good(b"flavors: {}")
    assert LoggedModelFile.objects.get().size == len(b"flavors: {}")


def test_a_folder_of_which_a_file_came_by_half_registers_what_is_whole(
    wire: Wire, run: TrainingRun, api_of: Callable[..., Any], scientist: Any
) -> None:
    """The file is not there, so no version stands on half of it."""
    assert wire.send("Content-Length: 999", "Connection: close", body=b"half")[0] == 400
    api = api_of(scientist)
    assert api.post("/api/2.0/mlflow/registered-models/create", {"name": "digit-reader"}, format="json").status_code == 200
    named = {"name": "digit-reader", "source": f"runs:/{run.pk}/net", "run_id": str(run.pk)}
    refused = api.post("/api/2.0/mlflow/model-versions/create", named, format="json")
    assert refused.status_code == 400 and "Nothing is kept at the source" in refused.json()["message"]
    wire.good()
    assert api.post("/api/2.0/mlflow/model-versions/create", named, format="json").status_code == 200
    assert Version.objects.get().checkpoint_size == len(BODY)
