"""Single commands on the way: each ends before the next begins, and stops when the supervisor is asked to stop."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from config.services import processes
from config.services.identity import Identity, caller
from config.services.site import PROJECT, PYTHON
from config.setup.problem import Problem


def manage(
    *words: str, data: Path, identity: Identity, variables: Mapping[str, str], check: Callable[[], None], purpose: str
) -> None:
    """The management command has ended well."""
    log = data / "logs" / "manage.log"
    process = processes.start(
        [PYTHON, PROJECT / "manage.py", *words],
        log=log,
        identity=identity,
        environment=variables,
        cwd=PROJECT,
        death_signal=signal.SIGKILL,
    )
    try:
        while not processes.has_ended(process):
            check()
            time.sleep(0.02)
    finally:
        code = processes.end_group(process)
    if code != 0:
        raise Problem(f"{purpose} failed ({processes.last_line(log)[:300]}); its log is {log}.")


def migrate(
    *,
    data: Path,
    identity: Identity,
    variables: Mapping[str, str],
    check: Callable[[], None],
    say: Callable[[str], None],
    only_ours: bool,
) -> None:
    """The database has today's tables and holds what every database must hold.

    Nothing is done where the same code has migrated it before and nobody else can have changed it (`only_ours`: it is private).
    """
    stamp, today = data / "migrated", _code()
    if only_ours and stamp.exists() and stamp.read_text() == today:
        return
    say("Migrating the database")
    words = ("migrate", "--noinput")
    manage(*words, data=data, identity=identity, variables=variables, check=check, purpose="Migrating the database")
    stamp.write_text(today)


def _code() -> str:
    """Changes when a program of the site does, or a package that it stands on."""
    digest = hashlib.sha256((PROJECT / "requirements.txt").read_bytes())
    for package in sorted(path.parent for path in PROJECT.glob("*/__init__.py") if path.parent.name != "tests"):
        for path in sorted(package.rglob("*.py")):
            digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def collect_static(*, data: Path, variables: Mapping[str, str], check: Callable[[], None]) -> None:
    """Static files lie where the web process serves them from. It is the project's folder, so the caller writes it."""
    collected = PROJECT / "staticfiles"
    stamp, today = collected / ".sources", _static_sources()  # beside what it tells of: a new data folder needs no new files
    if stamp.exists() and stamp.read_text() == today and (collected / "staticfiles.json").exists():
        return
    placeholder = {**variables, "COUNTERSIGN_SECRET_KEY": "collecting static files needs no secret"}
    words = ("collectstatic", "--noinput", "--verbosity", "0")
    manage(*words, data=data, identity=caller(), variables=placeholder, check=check, purpose="Collecting static files")
    stamp.write_text(today)


def _static_sources() -> str:
    """Changes when a static file does, ours or a package's."""
    digest = hashlib.sha256(f"{PROJECT} {PYTHON}".encode())
    digest.update((PROJECT / "requirements.txt").read_bytes())
    for path in sorted((PROJECT / "static").rglob("*")):
        facts = path.stat()
        digest.update(f"{path} {facts.st_size} {facts.st_mtime_ns}".encode())
    return digest.hexdigest()


def make_administrator(
    *, email: str, name: str, password: str, identity: Identity, variables: Mapping[str, str], check: Callable[[], None]
) -> str:
    """The administrator exists and the answer is empty; else the answer is the reason why not."""
    with subprocess.Popen(
        [PYTHON, PROJECT / "manage.py", "make_person", "--administrator", "--email", email, "--name", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(variables),
        cwd=PROJECT,
        start_new_session=True,
        **identity.arguments(),
    ) as process:
        _, complaint = process.communicate(password + "\n")
    check()
    if process.returncode == 0:
        return ""
    lines = [line for line in complaint.strip().splitlines() if line and not line.startswith("{")]
    return (lines or ["no reason given"])[-1].removeprefix("CommandError: ")
