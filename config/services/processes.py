"""Child processes that never stay behind: each leads a group of its own, and the kernel signals it when its starter dies."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from config.services.folders import own
from config.services.identity import Identity

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LOG_LIMIT = 20 * 2**20
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For the child, between fork and exec: the kernel sends it `number` when the starting thread ends, however it ends."""
    starter = os.getpid()

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, number)
            if os.getppid() != starter:  # it died in between
                os.kill(os.getpid(), signal.SIGKILL)

    return ask


def adopt_orphans() -> None:
    """Descendants whose parents die become children of this process, so that it can see and end them."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1)


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    identity: Identity,
    environment: Mapping[str, str],
    cwd: Path,
    death_signal: signal.Signals,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """The command runs as `identity` in a group of its own and writes to `log`; it holds the descriptors `keep`."""
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as out:
        own(log, identity)
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
            pass_fds=keep,
            preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509 - the starter has one thread, and the death signal can be set nowhere else
            **identity.arguments(),
        )


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Seen without reaping, so that the process's number stays its own until its group has been dealt with."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def tell(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if not has_ended(process):
        os.kill(process.pid, number)


def wait(process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    """Whether it has ended within the time."""
    deadline = time.monotonic() + seconds
    while not (ended := has_ended(process)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return ended


def stop(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """The process has ended, by the mildest of the steps that worked, and nothing is left of its group."""
    for number, seconds in steps:
        tell(process, number)
        if wait(process, seconds=seconds):
            break
    end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> int:
    """Nothing of the group is alive; returns the code with which its leader ended."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def descendants(ancestor: int) -> Iterator[int]:
    """Every living process below `ancestor`, as /proc knows them now."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
    waiting = [ancestor]
    while waiting:
        for child in children.get(waiting.pop(), []):
            yield child
            waiting.append(child)


def end_descendants(*, grace: float) -> int:
    """Nothing below this process is alive; returns how many had to be killed. They are asked first."""
    deadline, asked = time.monotonic() + grace, set[int]()
    killed = 0
    while left := list(descendants(os.getpid())):
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
        asked.update(left)
        reap()
        time.sleep(0.05)
    reap()
    return killed


def reap() -> None:
    """Adopted processes that have ended are taken from the process table."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def last_line(log: Path, *, like: str = "") -> str:
    """The last line of a log that holds `like`, without what only programs read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it wrote nothing"
    return next((line for line in reversed(lines) if like in line), lines[-1] if lines else "it wrote nothing")
