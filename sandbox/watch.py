"""Watches a running child and everything it started: wall clock, processor time, memory, output. Ends the whole tree."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

POLL = 0.1  # seconds; one poll reads /proc once, about 2 ms
_TICKS = os.sysconf("SC_CLK_TCK")
_EVIDENCE_LIMIT = 1 << 18
_TAIL = 8192  # bytes of the child's messages that are kept


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one job may use. The parent watches all of them; rlimits in the child hold where the parent is late."""

    wall: float = 600  # seconds
    cpu: int = 600  # seconds, over all threads
    memory: int = 4 << 30  # bytes, of anonymous memory; mapped files are not counted, since the kernel can drop them
    output: int = 256 << 20  # bytes of files
    result: int = 16 << 20  # bytes of the result's JSON
    log: int = 1 << 20  # bytes printed
    threads: int = 1  # of the numerical libraries


@dataclass
class Watched:
    """How the child ended and what was seen of it meanwhile."""

    ended: str = ""  # "", or the limit that was reached
    returncode: int = 0
    evidence: bytes = b""
    log: bytes = b""
    log_size: int = 0
    peak_memory: int = 0
    cpu: float = 0.0
    seconds: float = 0.0


Look = Callable[[Path], bool]  # is shown the folder of outputs while the child runs; False calls the job off


def watch(process: subprocess.Popen[bytes], *, limits: Limits, out: Path, look: Look | None = None) -> Watched:
    """Stay with the child until it ends, reaches a limit or is called off, then leave no process of it behind."""
    seen, started = Watched(), time.monotonic()
    assert process.stdout is not None  # noqa: S101 - both are pipes by construction; this tells the type checker
    assert process.stderr is not None  # noqa: S101 - as above
    with selectors.DefaultSelector() as pipes:
        for pipe in (process.stdout, process.stderr):
            os.set_blocking(pipe.fileno(), False)
            pipes.register(pipe, selectors.EVENT_READ)
        try:
            next_look = started
            while not seen.ended and not _has_ended(process):
                for key, _ in pipes.select(timeout=POLL) if pipes.get_map() else ():
                    if not _take(key.fileobj, process, seen):  # type: ignore[arg-type]  # registered above as a pipe
                        pipes.unregister(key.fileobj)
                if not pipes.get_map():
                    time.sleep(POLL / 20)  # both are closed, so the end is near
                if seen.log_size > limits.log:
                    seen.ended = "output_limit"
                elif time.monotonic() >= next_look:
                    seen.ended = _limit_reached(process.pid, seen, limits, out, time.monotonic() - started)
                    if look is not None and not seen.ended and not look(out):
                        seen.ended = "called_off"
                    next_look = time.monotonic() + POLL
        finally:
            end_tree(process)
    for pipe in (process.stdout, process.stderr):
        while _take(pipe, process, seen):  # nobody writes any more
            pass
        pipe.close()
    seen.returncode = process.returncode
    seen.seconds = time.monotonic() - started
    if not seen.ended and (seen.log_size > limits.log or folder_size(out) > limits.output):
        seen.ended = "output_limit"
    return seen


def _take(pipe: IO[bytes], process: subprocess.Popen[bytes], seen: Watched) -> bool:
    """Take one chunk from the pipe; False when it is empty for good."""
    try:
        chunk = os.read(pipe.fileno(), 1 << 16)
    except BlockingIOError:
        return False
    if pipe is process.stdout:
        seen.evidence += chunk[: _EVIDENCE_LIMIT - len(seen.evidence)]
    else:
        seen.log = (seen.log + chunk)[-_TAIL:]
        seen.log_size += len(chunk)
    return bool(chunk)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the child has ended. It is not reaped yet, so that its id and its group's still mean it and no other."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _limit_reached(pid: int, seen: Watched, limits: Limits, out: Path, seconds: float) -> str:
    anonymous, peak, seen.cpu = _usage([pid, *descendants(pid)])
    seen.peak_memory = max(seen.peak_memory, peak)
    if anonymous > limits.memory:
        return "memory_limit"
    if seen.log_size > limits.log or folder_size(out) > limits.output:
        return "output_limit"
    if seen.cpu > limits.cpu:
        return "cpu_limit"
    return "wall_limit" if seconds > limits.wall else ""


def _usage(pids: list[int]) -> tuple[int, int, float]:
    """Anonymous and shared memory now, peak resident memory (bytes), processor time (seconds), over all `pids`."""
    anonymous = peak = 0
    cpu = 0.0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            cpu += sum(int(ticks) for ticks in fields[11:15]) / _TICKS  # its own and of children it waited for
            status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
            anonymous += sum(int(status[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in status) * 1024
            peak += int(status.get("VmHWM", "0 kB").split()[0]) * 1024
    return anonymous, peak, cpu


def descendants(of: int) -> list[int]:
    """Every process that descends from `of`, by parent ids: a process group would miss what called setsid."""
    children: dict[int, list[int]] = {}
    try:
        entries = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    except OSError:
        return []  # no /proc here: the process group is all there is
    for pid in entries:
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(pid)
    found, ahead = [], [of]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """No process of the tree is left, and the child is reaped."""
    for pid in [*descendants(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # orphans are no descendants any more, but stay in the group
    process.wait()


def folder_size(folder: Path) -> int:
    """Bytes in the files of `folder`, links not followed."""
    total, ahead = 0, [folder]
    while ahead:
        with contextlib.suppress(OSError), os.scandir(ahead.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    ahead.append(Path(entry.path))
                else:
                    with contextlib.suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total
