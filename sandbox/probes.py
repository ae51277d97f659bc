"""What the jailed child can still do: each probe tries, and a success is reported as `open`, never hidden.

A probe counts as blocked only where the attempt itself was refused; that a thing was absent is no proof of a fence, except
for files, where bubblewrap's fence consists in their absence.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sandbox.levels import BLOCKED, NOT_CHECKED, OPEN

# What the parent sets, and what the C library or Python's start adds by itself.
ALLOWED_VARIABLES = frozenset(
    {"PATH", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PWD", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"}
    | {"__CF_USER_TEXT_ENCODING"}
)
_NO_ROUTE = {errno.EPERM, errno.EACCES, errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.ENETDOWN, errno.EADDRNOTAVAIL}
_DISCARD_PORT = 9


def run(order: Mapping[str, Any]) -> dict[str, str]:
    """The outcome of every probe: blocked, open or not checked."""
    return {
        "network": network(),
        "secrets": secrets(order["canaries"]),
        "fork": fork(),
        "exec": execute(),
        "signals": signals(),
        "write": write(order["outside"], order["canaries"]),
        "environment": environment(order["variables"]),
    }


def network() -> str:
    """No connection to this machine's loopback, and no local socket either: databases listen there."""
    for family, address in ((socket.AF_INET, ("127.0.0.1", _DISCARD_PORT)), (socket.AF_INET6, ("::1", _DISCARD_PORT))):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as attempt:
                attempt.settimeout(1)
                attempt.connect(address)
            return OPEN
        except OSError as error:
            if error.errno not in _NO_ROUTE:
                return OPEN  # refused by a listener's absence: the way there was free
    try:
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).close()
    except OSError:
        return BLOCKED
    return OPEN


def secrets(canaries: Iterable[str]) -> str:
    """No canary can be read, nor its name. The parent saw before that each exists and is readable to itself."""
    found = NOT_CHECKED
    for canary in canaries:
        found = BLOCKED
        try:
            with open(canary, "rb") as leak:  # noqa: PTH123 - the plainest way in is the one that is tried
                leak.read(1)
            return OPEN
        except OSError:
            pass
        with suppress(OSError):
            if os.path.basename(canary) in os.listdir(os.path.dirname(canary)):  # noqa: PTH119, PTH120, PTH208 - as above
                return OPEN
    return found


def fork() -> str:
    """No new process."""
    try:
        child = os.fork()
    except OSError:
        return BLOCKED
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return OPEN


def execute() -> str:
    """No other program. The path does not exist, so that a kernel that lets it through answers ENOENT and nothing runs."""
    try:
        os.execve("/nonexistent/program", ["program"], {})  # noqa: S606 - that it cannot run is what is tried
    except OSError as error:
        return BLOCKED if error.errno == errno.EPERM else OPEN
    return OPEN


def signals() -> str:
    """No signal to another process."""
    try:
        os.kill(os.getppid(), 0)
    except OSError:
        return BLOCKED
    return OPEN


def write(folders: Iterable[str], canaries: Iterable[str]) -> str:
    """No file can be made in `folders`, and no canary's permissions can be changed."""
    found = NOT_CHECKED
    for folder in folders:
        found = BLOCKED
        path = os.path.join(folder, f".sandbox-probe-{os.getpid()}")  # noqa: PTH118 - as above
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError:
            continue
        os.unlink(path)  # noqa: PTH108 - as above
        return OPEN
    for canary in canaries:
        with suppress(OSError):
            os.chmod(canary, 0o600)  # noqa: PTH101 - as above
            return OPEN
    return found


def environment(expected: Iterable[str]) -> str:
    """Only the named variables are here, and the parent's cannot be read from /proc."""
    if set(os.environ) - set(expected) - ALLOWED_VARIABLES:
        return OPEN
    with suppress(OSError):
        with open(f"/proc/{os.getppid()}/environ", "rb") as leak:  # noqa: PTH123 - as above
            names = {line.split(b"=", 1)[0].decode(errors="replace") for line in leak.read().split(b"\0") if line}
        if names - ALLOWED_VARIABLES:
            return OPEN
    return BLOCKED
