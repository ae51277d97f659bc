"""bubblewrap: the outer box, where it starts. Paths inside are the same as outside; everything else is absent.

As root it uses real namespaces and leaves the child just the capabilities it needs to become another user itself: dropping
the user before would lock it out of an interpreter below /root. As an ordinary user it uses a user namespace. `--disable-userns`
is left out, since versions before 0.8 lack it; seccomp denies new namespaces anyway.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
_AS_ROOT = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_DAC_READ_SEARCH")
_NOBODY = "65534"
_SECONDS = 10


def command(
    program: str,
    *,
    readable: Iterable[str],
    writable: str,
    environment: Mapping[str, str],
    root: bool,
    devices: Iterable[str] = (),
) -> list[str]:
    """The arguments before `--` that show a command only `readable`, `writable` and `devices`, without network."""
    arguments = [program, *_NAMESPACES, "--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    arguments += ["--cap-drop", "ALL"]
    if root:
        arguments += [word for name in _AS_ROOT for word in ("--cap-add", name)]
    else:
        arguments += ["--unshare-user", "--uid", _NOBODY, "--gid", _NOBODY]
    arguments += ["--proc", "/proc", "--dev", "/dev"]
    # A folder is mounted before what lies in it, or it would hide it.
    for path in sorted(set(readable), key=lambda name: (name.count("/"), name)):
        if path.startswith(("/proc/", "/dev/")):
            continue  # the box has its own
        if Path(path).is_symlink():  # /lib and /lib64 on today's systems
            arguments += ["--symlink", str(Path(path).readlink()), path]
        else:
            arguments += ["--ro-bind-try", path, path]
    for path in devices:
        arguments += ["--dev-bind-try", path, path]
    arguments += ["--bind", writable, writable, "--chdir", writable]
    # The box's own root and /dev are in memory and writable until here: memory that no limit would count.
    arguments += ["--remount-ro", "/dev", "--remount-ro", "/"]
    for name, value in environment.items():
        arguments += ["--setenv", name, value]
    return arguments


@functools.cache
def starts(program: str, *, root: bool) -> tuple[bool, str]:
    """Whether bubblewrap works here, and its version or the reason why not. Asked once per process: it needs namespaces,
    which containers and some distributions deny."""
    found = shutil.which(program)
    if found is None:
        return False, "bubblewrap is not installed (on Debian and Ubuntu: apt-get install bubblewrap)"
    trial = command(found, readable=_trial_paths(), writable="/tmp", environment={}, root=root)  # noqa: S108 - any folder does
    try:
        version = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
        tried = subprocess.run(
            [*trial, "--", _true()], capture_output=True, text=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError) as error:
        return False, f"bubblewrap could not be started: {error}"
    if tried.returncode != 0:
        return False, tried.stderr.strip()[:300] or f"bubblewrap ended with {tried.returncode}"
    return True, version.stdout.strip()


def _true() -> str:
    return shutil.which("true", path="/usr/bin:/bin") or "/bin/true"


def _trial_paths() -> list[str]:
    return [path for path in ("/usr", "/bin", "/lib", "/lib64", "/lib32") if Path(path).exists()]
