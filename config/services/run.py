"""`run -- command`: the command with private services of its own, which end with it. `manage`: a command for a running site."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from config.services import folders, processes, site
from config.services.identity import Identity, caller, service_identity
from config.services.private import Addresses, services
from config.services.supervisor import Signals, Stop
from config.setup.problem import Problem

PREFIX = "countersign-run-"
YOUNG = 60  # seconds in which a folder may not have its lock yet


@contextlib.contextmanager
def passing_services(environment: Mapping[str, str]) -> Iterator[Addresses]:
    """Both servers answer, on data in a temporary folder that goes with them, or those that the environment names.

    They are for tests and other commands that end: their role may do anything, and their data need not survive a power cut.
    """
    if environment.get("DATABASE_URL", "").strip() and environment.get("REDIS_URL", "").strip():
        folder, owner = Path(os.devnull), caller()  # nothing private is started, so nothing is made for it
        with services(folder, identity=owner, environment=environment, say=_quiet) as addresses:
            yield addresses
        return
    owner = service_identity()
    sweep(owner)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        folders.prepare(folder, kind="run", owner=owner)
        held = folders.lock(folder, owner=owner)
        with services(folder, identity=owner, environment=environment, say=_quiet, lasting=False, superuser=True) as addresses:
            yield addresses
        held.release()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(owner: Identity) -> None:
    """Folders of runs that were killed are gone; nobody holds their locks."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Problem):
            facts = folder.lstat()
            if facts.st_uid == owner.uid and time.time() - facts.st_mtime > YOUNG:
                folders.lock(folder, owner=owner).release()
                shutil.rmtree(folder)


def _quiet(_: str) -> None:
    pass


def run(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """The command's code, after its services have ended."""
    if not command:
        raise Problem("Name the command that is to run: python -m config.services run -- COMMAND")
    signals = Signals()
    try:
        with tempfile.TemporaryDirectory(prefix="countersign-data-") as folder, passing_services(environment) as addresses:
            variables = {name: value for name, value in environment.items() if name not in site.OURS}
            variables |= {"DATABASE_URL": addresses.database, "REDIS_URL": addresses.redis}
            variables.setdefault("COUNTERSIGN_DATA", folder)
            process = subprocess.Popen(
                command,
                env=variables,
                process_group=0,
                preexec_fn=processes.die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - the starter has one thread, and the death signal can be set nowhere else
            )
            try:
                while not processes.has_ended(process):
                    signals.check()
                    time.sleep(0.02)
            except Stop:
                os.killpg(process.pid, signal.SIGINT)  # to all of its group, as a terminal would
                if not processes.wait(process, seconds=10):
                    processes.stop(process, (signal.SIGTERM, 5))
            return processes.end_group(process)
    except Stop:
        return 130


def manage(words: Sequence[str], *, kind: str, environment: Mapping[str, str]) -> int:
    """A management command with the addresses of the running site."""
    path = folders.choose(kind, project=site.PROJECT, environment=environment) / "run" / "site.json"
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Problem(
            f"No site runs on {path.parent.parent}; start it (make up) and repeat this in another terminal. "
            "Where it runs on another folder (make demo does), name that: COUNTERSIGN_DATA=/folder"
        ) from error
    entry = pwd.getpwnam(found["user"])
    identity = Identity(entry.pw_name, entry.pw_uid, entry.pw_gid)
    variables = {**{name: value for name, value in environment.items() if name not in site.OURS}, **found["variables"]}
    return subprocess.run(
        [site.PYTHON, site.PROJECT / "manage.py", *words], env=variables, check=False, **identity.arguments()
    ).returncode
