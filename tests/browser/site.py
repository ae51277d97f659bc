"""A whole site of its own for tests that look at it from outside: web, worker and beat as programs, on a database of their own.

Nothing of it runs in the test's process: what is seen is what people see, and the tests of other folders find their database
as they left it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psycopg2

from tests.plugins_services import numbered

ROOT = Path(__file__).resolve().parents[2]
OWN_NUMBER = 7  # places after the run's own Redis number, so that no message of another test is heard
WORK = 240_000  # milliseconds that the workers may take for one thing, on a machine that is busy with other things
PATIENCE = 120  # seconds until everything answers, on a machine that is busy with other things


class DidNotStart(Exception):
    """A part of the site ended or stayed silent; the message says which, and what it said last."""


@dataclass
class Site:
    """`url`, and the `cast` by role: name, email, password, key."""

    folder: Path
    url: str = ""
    team: str = ""
    cast: dict[str, dict[str, str]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    known: dict[str, Any] = field(
        default_factory=dict
    )  # what the tests made on it: ids by name, "complete" once the story is told
    _database: str = ""
    _programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    # -- start and stop --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The site answers, with one account for each role; its worker and its clock run."""
        self._database = f"countersign_browser_{os.getpid()}"
        self._make_database()
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = self._environment()
        self.program("manage.py", "migrate", "--verbosity", "0")
        accounts = "from pathlib import Path; from config.demo.accounts import prepare; prepare(url={!r}, folder=Path({!r}))"
        self.program("manage.py", "shell", "--verbosity", "0", "--command", accounts.format(self.url, str(self.folder)))
        told = json.loads((self.folder / "cast.json").read_text())
        self.team, self.cast = told["team"], told["people"]
        celery = ["-m", "celery", "-A", "config"]
        self._run("worker", *celery, "worker", "-Q", "evaluations,reports,default", "-c", "1", "-l", "WARNING")
        self._run("beat", *celery, "beat", "-s", str(self.folder / "beat"), "-l", "WARNING")
        web = ["-m", "gunicorn", "config.wsgi", "-c", "python:config.services.gunicorn_settings", "--threads", "6"]
        self._run("web", *web, "-b", f"127.0.0.1:{port}")
        self._wait_until_ready()

    def stop(self) -> None:
        """Nothing of it is left: no process, no database."""
        for name in ("beat", "web", "worker"):
            self._end(name)
        if self._database:
            with closing(self._administration()) as connection, connection.cursor() as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')

    def program(self, *command: str) -> str:
        """Runs one of the project's programs in the site's environment to its end."""
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        if done.returncode != 0:
            raise DidNotStart(f"{' '.join(command)[:60]} ended with {done.returncode}: {done.stderr[-1500:]}")
        return done.stdout

    def log(self, name: str) -> str:
        """What a part of the site said last."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace")[-3000:] if file.exists() else ""

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
        address = urlsplit(os.environ["DATABASE_URL"])
        return kept | {
            "DATABASE_URL": urlunsplit(address._replace(path=f"/{self._database}")),
            "REDIS_URL": numbered(os.environ["REDIS_URL"], OWN_NUMBER),
            "COUNTERSIGN_DATA": str(self.folder),
            "COUNTERSIGN_SITE_URL": self.url,
            "COUNTERSIGN_DEBUG": "yes",  # static files are served from where they lie; nothing has to be collected
            "COUNTERSIGN_MONITORING_SECONDS": "1",
            "COUNTERSIGN_SEAL_SECONDS": "1",
            "PYTHONWARNINGS": "default",
        }

    def _administration(self) -> Any:
        address = urlsplit(os.environ["DATABASE_URL"])
        connection = psycopg2.connect(urlunsplit(address._replace(path="/postgres")))
        connection.autocommit = True
        return connection

    def _make_database(self) -> None:
        with closing(self._administration()) as connection, connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{self._database}"')

    def _run(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._programs[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            for name, program in self._programs.items():
                if program.poll() is not None:
                    raise DidNotStart(f"The {name} ended with {program.returncode}: {self.log(name)}")
            if self._answers():
                return
            if time.monotonic() > deadline:
                raise DidNotStart(f"The site did not answer within {PATIENCE} seconds: {self.log('web')}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/readyz", timeout=5) as answer:  # noqa: S310 - its own address
                return bool(answer.status == 200)
        except HTTPError:
            return False
        except (URLError, OSError):
            return False

    def _end(self, name: str) -> None:
        program = self._programs.pop(name, None)
        if program is None:
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(program.pid, sign)
            except ProcessLookupError:
                break
            try:
                program.wait(timeout=10)
            except subprocess.TimeoutExpired:
                continue
        program.poll()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chromium() -> str:
    """Chromium's program; a machine without it fails, because a page that nobody looked at is not tested."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise AssertionError("The browser tests need Chromium: apt-get install chromium (make test does it on Debian as root).")
    return found
