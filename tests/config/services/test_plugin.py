"""A test run brings its own servers, each of its workers has its own Redis number, and nothing stays when it ends."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.plugins_services import numbered

PROJECT = Path(__file__).resolve().parents[3]
PATIENCE = 300  # seconds; a busy host takes long, and nothing is asserted about time
INSIDE = """
import os, pathlib, time, pytest, psycopg2, redis
@pytest.mark.parametrize("n", range(4))
def test_inside(n):
    psycopg2.connect(os.environ["DATABASE_URL"]).close()
    redis.Redis.from_url(os.environ["REDIS_URL"]).ping()
    with open({out!r}, "a") as out:
        out.write(os.environ["DATABASE_URL"] + " " + os.environ["REDIS_URL"] + " " + str(os.getpid()) + "\\n")
    time.sleep({pause})
"""


@pytest.fixture
def run(tmp_path, bare_environment):
    """`run(pause=…, words)`: a test run of its own in another folder, started; what it saw is in `seen()`."""
    out = tmp_path / "out"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {PROJECT}\naddopts = -p tests.plugins_services -p xdist\n")

    def start(*words: str, pause: float = 0, **environment: str) -> subprocess.Popen[str]:
        (tmp_path / "test_inside.py").write_text(INSIDE.format(out=str(out), pause=pause))
        # A run of its own: it is no worker of the run that this test may be part of.
        outside = {name: value for name, value in bare_environment.items() if not name.startswith("PYTEST_XDIST")}
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
            cwd=tmp_path,
            env={**outside, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    start.seen = lambda: [line.split() for line in out.read_text().splitlines()] if out.exists() else []
    return start


def test_workers_share_the_servers_and_each_has_its_number(run):
    process = run("-n", "2", pause=0.2)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    seen = run.seen()
    assert len({database for database, _, _ in seen}) == 1
    assert {urlsplit(redis).query for _, redis, _ in seen} == {"db=0", "db=1"}
    socket = Path(urlsplit(seen[0][1]).path)
    assert not socket.parent.parent.exists()  # the run's folder went with it


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_leaves_no_server(run, number):
    process = run(pause=PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while not run.seen() and time.monotonic() < deadline:
        time.sleep(0.05)
    [[_, address, _]] = run.seen()
    socket = urlsplit(address).path
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    while (servers := _running(str(Path(socket).parent))) and time.monotonic() < deadline + PATIENCE:
        time.sleep(0.05)
    assert servers == []
    shutil.rmtree(Path(socket).parent.parent, ignore_errors=True)  # a killed run cannot remove its folder


def _running(folder: str) -> list[str]:
    done = subprocess.run(["ps", "-eo", "args", "-ww"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if folder in line]


def test_given_addresses_are_used(run, monkeypatch):
    import os  # noqa: PLC0415 - this run's own addresses

    given = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    process = run(**given)
    told, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    assert {tuple(line[:2]) for line in run.seen()} == {(given["DATABASE_URL"], given["REDIS_URL"])}


def test_numbers_follow_the_address_that_is_given():
    assert numbered("unix:///run/redis.sock?db=0", 3) == "unix:///run/redis.sock?db=3"
    assert numbered("redis://:pw@host:6379/10", 1) == "redis://:pw@host:6379/11"
    assert numbered("redis://host", 2) == "redis://host/2"
