"""Uploads into the real web process: the memory they take, and what is left of one that breaks off."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from benchmarks.uploads import make_file
from benchmarks.web import Web, web_process
from core import blobs
from models_registry.models import Version
from tests.worker.workers import until

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
SIZE = 64 << 20
MOST = 24 << 20  # bytes that the process may grow by; measured: 6 MiB, also at 2 GiB


@pytest.fixture
def web(data_dir: Path, transactional_db: None) -> Iterator[Web]:
    address = urlsplit(settings.DATABASE_URL)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTERSIGN_", "PYTEST_"))}
    environment = kept | {
        "DATABASE_URL": urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}")),
        "REDIS_URL": settings.REDIS_URL,
        "COUNTERSIGN_DATA": str(data_dir),
        "COUNTERSIGN_DEBUG": "yes",  # static files are served from where they lie; nothing has to be collected
        "COUNTERSIGN_UPLOAD_LIMIT": str(SIZE),
    }
    with web_process(data_dir, environment) as running:
        yield running


@pytest.fixture
def address(make_draft: Callable[..., Any]) -> str:
    return f"/api/v1/versions/{make_draft(content=b'the first weights').pk}/checkpoint/"


def left(data_dir: Path) -> list[Path]:
    return list((data_dir / "incoming").rglob("*"))


def test_memory_does_not_follow_the_size_of_an_upload(
    web: Web, address: str, scientist: Any, key_of: Any, data_dir: Path, tmp_path: Path
) -> None:
    key = key_of(scientist)
    assert web.put(address, make_file(tmp_path / "small", 1 << 20), key=key)[0] == 200
    web.forget_peak()
    before = web.resident()
    status, _body = web.put(address, make_file(tmp_path / "large", SIZE), key=key)
    grown = web.peak() - before
    assert status == 200
    assert grown < MOST, f"{grown / 2**20:.1f} MiB"
    version = Version.objects.get()
    assert version.checkpoint_size == SIZE
    with blobs.open_blob(version.checkpoint_digest) as kept, (tmp_path / "large").open("rb") as sent:
        assert kept.read() == sent.read()
    assert left(data_dir) == []


def test_an_upload_that_breaks_off_changes_nothing_and_leaves_nothing(
    web: Web, address: str, scientist: Any, key_of: Any, data_dir: Path
) -> None:
    before = Version.objects.values("checkpoint_digest", "checkpoint_size").get()
    bearer = f"Authorization: Bearer {key_of(scientist)}"
    head = f"PUT {address} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\nContent-Length: {SIZE}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", web.port)) as client:
        client.sendall(head.encode() + b"x" * (5 << 20))
    until(lambda: f'"path": "{address}", "status": 422' in web.log.read_text(errors="replace"), "the refusal", seconds=60)
    assert Version.objects.values("checkpoint_digest", "checkpoint_size").get() == before
    assert left(data_dir) == []
    stored = [path for path in (data_dir / "blobs").rglob("*") if path.is_file() and path.stat().st_size > 1 << 20]
    assert stored == []


def test_what_is_announced_as_too_large_or_in_chunks_is_refused_unread(
    web: Web, address: str, scientist: Any, key_of: Any, data_dir: Path
) -> None:
    bearer = f"Authorization: Bearer {key_of(scientist)}"
    for announced, code in ((f"Content-Length: {SIZE + 1}", "too_large"), ("Transfer-Encoding: chunked", "length_required")):
        with socket.create_connection(("127.0.0.1", web.port), timeout=60) as client:
            client.sendall(f"PUT {address} HTTP/1.1\r\nHost: localhost\r\n{bearer}\r\n{announced}\r\n\r\n".encode())
            answer = HTTPResponse(client)
            answer.begin()
            assert (answer.status, json.loads(answer.read())["code"]) == (422, code)
    assert left(data_dir) == []
