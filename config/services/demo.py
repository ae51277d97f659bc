"""`make demo`: the site on data of the demo's own, with the story played into it through the public API."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.services import database, folders, processes, site
from config.services.database import Demo
from config.services.supervisor import Signals, Stop, Supervisor, say
from config.services.up import Ground, ground, prepare_database, standing_site
from config.setup.host import check_writable
from config.setup.problem import Problem

# What stays in the data folder when the demo's data are made anew; the rest belongs to rows that are gone.
KEPT = {"bin", "cache", "clock", "home", "kind", "lock", "lock.postgresql", "logs", "postgresql", "redis", "run"}
ADDRESS = "{address}"
MONITORING_SECONDS = "5"  # nobody watches a story that waits a minute for the next check of predictions


def demo(*, port: int, out: Path, once: bool, fresh: bool, environment: Mapping[str, str]) -> int:
    """The demo's site runs until somebody stops it; with `once`, until its story is over, and the story's code is returned."""
    signals = Signals()
    try:
        with contextlib.ExitStack() as stack:
            _prepare_out(out)
            if once:
                data, port = stack.enter_context(_temporary_folder()), _open_port()
            else:
                data = folders.choose("demo", project=site.PROJECT, environment=environment)
            demonstrated = {
                "COUNTERSIGN_MONITORING_SECONDS": MONITORING_SECONDS,
                "COUNTERSIGN_EMAIL_URL": "console:",
                **environment,
            }
            base = stack.enter_context(
                ground("demo", data=data, port=port, signals=signals, environment=demonstrated, lasting=not once)
            )
            replay = _claim(base, fresh=fresh or once)
            prepare_database(base)
            supervisor = stack.enter_context(standing_site(base, port=port))
            address = base.variables["COUNTERSIGN_SITE_URL"]
            say(f"The site answers on {address}")
            if replay:
                code = _play(base, supervisor, address=address, out=out.absolute())
                if code != 0 or once:
                    return code
            else:
                print((data / "summary.txt").read_text().replace(ADDRESS, address), flush=True)  # noqa: T201 - the command's answer
            say(f"The demo runs on {address}  (data: {data}; logs: {data / 'logs'}; Ctrl-C stops it)")
            supervisor.watch(lost=base.addresses.watch)
    except Stop:
        say("Stopped")
        return 130 if once else 0
    return 0


def _prepare_out(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        check_writable(out)
    except (OSError, Problem) as error:
        raise Problem(f"The folder {out} for the report cannot be written to; name another with OUT=DIR.") from error


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="countersign-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _open_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _story() -> str:
    """A digest of the program that plays the story: data of another story are shown, and said to be of another."""
    digest = hashlib.sha256()
    for folder in ("config/demo", "examples"):
        for path in sorted((site.PROJECT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _claim(base: Ground, *, fresh: bool) -> bool:
    """The database belongs to the demo; returns whether the story is to be played. What is not the demo's is never touched."""
    url = base.addresses.database
    held = database.demo_of(url)
    if held is None and not database.is_empty(url):
        raise Problem(
            "This database holds data that are not the demo's; "
            "name an empty one in DATABASE_URL, or leave it unset for a private one."
        )
    if held and held.complete and not fresh and (base.data / "summary.txt").exists():
        if held.story != _story():
            say("These data were made by another version of the story; FRESH=1 makes them anew.")
        return False
    if held:
        say("Making the demo's data anew" if held.complete else "The story was interrupted last time; it begins anew")
        database.empty(url)
    database.mark_demo(url, Demo(_story(), complete=False))
    if base.addresses.private_redis:
        _flush(base.addresses.redis)
    for entry in base.data.iterdir():
        if entry.name not in KEPT:
            _remove(entry)
    return True


def _flush(url: str) -> None:
    """Messages and counters of an earlier story are gone from the private Redis."""
    import redis  # noqa: PLC0415 - the name of a module beside this one

    with contextlib.closing(redis.Redis.from_url(url)) as client:
        client.flushall()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _play(base: Ground, supervisor: Supervisor, *, address: str, out: Path) -> int:
    """The story has been played; its summary is kept for the next start, and its code returned."""
    say("Playing the story through the API")
    process = subprocess.Popen(
        [site.PYTHON, "-m", "config.demo", "--url", address, "--out", str(out), "--data", str(base.data)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=base.variables,
        cwd=site.PROJECT,
        start_new_session=True,
        preexec_fn=processes.die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - the starter has one thread, and the death signal can be set nowhere else
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker
    os.set_blocking(process.stdout.fileno(), False)
    told: list[bytes] = []

    def over() -> bool:
        ended = processes.has_ended(process)
        while piece := process.stdout.read(65536) if process.stdout else None:
            told.append(piece)
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
        return ended

    try:
        supervisor.watch(lost=base.addresses.watch, until=over)
    finally:
        code = processes.end_group(process)
        process.stdout.close()
    if code == 0:
        (base.data / "summary.txt").write_text(_summary(b"".join(told).decode(errors="replace"), address))
        database.mark_demo(base.addresses.database, Demo(_story(), complete=True))
    else:
        say(f"The story ended with code {code}; the site's logs lie in {base.data / 'logs'}")
    return code


def _summary(told: str, address: str) -> str:
    """What the story said from the first line with the address on: before that it told how far it was."""
    lines = told.splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if address in line), 0)
    return "".join(lines[first:]).replace(address, ADDRESS)
