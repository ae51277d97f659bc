"""The way to a site, when what answers is not what was expected."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign import Client, Refused, Unreachable

Answer = Callable[[Any], None]


class Server(http.server.ThreadingHTTPServer):
    """A server that answers as the test says, and remembers what it was asked."""

    answer: Answer
    asked: list[Any]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        self.server.answer(self)

    do_POST = do_PUT = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


def say(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        given = {key.replace("_", "-"): text for key, text in headers.items()}
        for name, value in ({"Content-Length": str(len(body))} | given).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(machine: Path, server: Server) -> Client:
    return Client(f"http://127.0.0.1:{server.server_address[1]}", "cs_key", timeout=5)


def test_a_problem_becomes_its_sentence_with_its_fields(client: Client, server: Server) -> None:
    fields = b'{"name": [{"message": "Too long.", "code": "x"}]}'
    server.answer = say(422, b'{"status": 422, "code": "invalid_input", "detail": "Correct it.", "errors": %b}' % fields)
    with pytest.raises(Refused, match=r"Correct it\. name: Too long\.") as refusal:
        client.me()
    assert (refusal.value.status, refusal.value.code) == (422, "invalid_input")


@pytest.mark.parametrize("body", [b"<html>", b'{"detail": 5}', b"[1]", b"\xff"])
def test_an_error_without_a_problem_is_named_by_its_status(client: Client, server: Server, body: bytes) -> None:
    server.answer = say(502, body)
    with pytest.raises(Refused, match="502 Bad Gateway"):
        client.me()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", b"\xff", b""])
def test_what_is_not_countersign_is_said_so(client: Client, server: Server, body: bytes) -> None:
    server.answer = say(200, body)
    with pytest.raises(Unreachable, match="not Countersign"):
        client.me()


def test_a_redirect_is_not_followed(client: Client, server: Server) -> None:
    server.answer = say(302, Location="https://elsewhere.example.org/")
    with pytest.raises(Unreachable, match=r"redirect to https://elsewhere\.example\.org"):
        client.register_model(name="x")
    assert len(server.asked) == 1


def test_a_line_in_netrc_does_not_replace_the_key(
    client: Client, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    server.answer = say(200, b"{}")
    client.me()
    assert server.asked[0][2]["Authorization"] == "Bearer cs_key"


def test_nobody_there_is_a_sentence_without_the_key(machine: Path) -> None:
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 does not answer: the connection is refused") as failure:
        Client("http://127.0.0.1:1", "cs_key").me()
    assert "cs_" not in str(failure.value)


def test_a_file_appears_only_when_it_is_whole_and_has_its_digest(client: Client, server: Server, machine: Path) -> None:
    target = machine / "model.bin"
    digest = "sha256:" + hashlib.sha256(b"weights").hexdigest()
    server.answer = say(200, b"weights")
    assert client.fetch("x/", target, expected=digest) == digest
    assert target.read_bytes() == b"weights"
    target.unlink()
    server.answer = say(200, b"others")
    with pytest.raises(Unreachable, match="nothing was kept"):
        client.fetch("x/", target, expected=digest)
    with pytest.raises(Unreachable, match="nothing was kept"):
        server.answer = say(200, b"weights", X_Content_SHA256="sha256:" + "0" * 64)
        client.fetch("x/", target)
    assert list(machine.iterdir()) == []


def test_a_connection_that_breaks_leaves_no_partial_file(client: Client, server: Server, machine: Path) -> None:
    server.answer = say(200, b"half", Content_Length="8")
    with pytest.raises(Unreachable, match="broke"):
        client.fetch("x/", machine / "model.bin")
    assert list(machine.iterdir()) == []


def test_a_file_is_sent_with_its_length_and_digest(client: Client, server: Server, machine: Path) -> None:
    received: list[bytes] = []

    def take(handler: Any) -> None:
        received.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        say(200, b"{}")(handler)

    server.answer = take
    file = machine / "mödel.safetensors"
    file.write_bytes(b"w" * 3_000_000)
    told: list[tuple[int, int]] = []
    client.send("x/", file, progress=lambda done, size: told.append((done, size)))
    headers = server.asked[0][2]
    assert received == [b"w" * 3_000_000]
    assert headers["X-Content-SHA256"] == "sha256:" + hashlib.sha256(b"w" * 3_000_000).hexdigest()
    assert headers["X-File-Name"] == "m?del.safetensors"
    assert told[-1] == (3_000_000, 3_000_000)
    assert "Transfer-Encoding" not in headers


class Patient(Handler):
    """Keeps connections open; remembers from which port each request came."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.client_address[1])
        self.server.answer(self)


def test_a_connection_that_idled_is_not_used_again(machine: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may be closing it at this moment: the request would be lost, and nobody could tell whether it was done."""
    server.RequestHandlerClass = Patient
    server.answer = say(200, b"{}", Content_Type="application/json")
    moment = [100.0]
    monkeypatch.setattr("countersign.transport.time.monotonic", lambda: moment[0])
    client = Client(f"http://127.0.0.1:{server.server_port}", "cs_key", timeout=5)
    for passed in (0.0, 0.5, 2.0, 0.5):
        moment[0] += passed
        client.me()
    first, second, third, fourth = server.asked
    assert first == second
    assert second != third == fourth
