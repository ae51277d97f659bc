"""A machine without any login, and the command line as people run it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from countersign.cli import main


@dataclass
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, on a machine where nobody has signed in."""
    for name in ("COUNTERSIGN_URL", "COUNTERSIGN_KEY", "COUNTERSIGN_TRUST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def site(transactional_db: None, data_dir: Path) -> Iterator[str]:
    """The address of the site, which answers over real HTTP for this test (with this test's folders and settings)."""
    server = LiveServer("127.0.0.1")
    yield server.url
    server.stop()


@pytest.fixture
def command(machine: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """`command("gate", "sha256:…", "--json")`, with what it said. Keys never stand in it: each test that uses it checks that."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        assert "cs_" not in printed.out + printed.err, "a key was printed"
        assert "Traceback" not in printed.err
        # Log lines of the site stand in the same process's stderr; what the command says begins otherwise.
        said = "\n".join(line for line in printed.err.splitlines() if not line.startswith('{"at"'))
        return Said(code, printed.out, said)

    return run


@pytest.fixture
def signed_in(site: str, command: Callable[..., Said], key_of: Callable[..., str], machine: Path) -> Callable[[Any], None]:
    """`signed_in(person)`: that person's login is saved on this machine."""

    def sign_in(person: Any) -> None:
        (machine.parent / "key").write_text(key_of(person) + "\n")
        assert command("login", site, "--key-file", str(machine.parent / "key")).code == 0

    return sign_in
