"""Starts a job in the sandbox and waits for its end. Here lies what the parent knows of its host."""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox import bubblewrap
from sandbox.levels import Level
from sandbox.outcome import Outcome, outcome_of
from sandbox.watch import Limits, Look, Watched, watch
from sandbox.workplace import Workplace

_HERE = Path(__file__).resolve().parent
# The child starts from four lines instead of a file, so that no folder of ours lands on its import path.
_BOOTSTRAP = """\
import sys, types
package = types.ModuleType("sandbox"); package.__path__ = [sys.argv[1]]; sys.modules["sandbox"] = package
from sandbox.child import main
main()
"""
# systemd keeps these ids for services that live for one run only: no file on the host belongs to them.
_DYNAMIC_UIDS = range(61184, 65520)
# torch alone needs 623 MiB of address space; mapped files count twice, once mapped and once read.
_ADDRESS_SPACE_BASE = 3 << 29
_SYSTEM_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo", "/dev/urandom", "/dev/zero")
_DRIVER_FACTS = ("/proc/driver/nvidia", "/sys/bus/pci/devices", "/sys/module/nvidia")  # what CUDA reads when it starts


class SandboxRefused(Exception):
    """The job could not even be tried: what it was to read or to prove itself on is not there."""


def run(
    module: str,
    *,
    inputs: Mapping[str, Path],
    job: Mapping[str, Any],
    limits: Limits = Limits(),  # noqa: B008 - frozen
    roots: Sequence[Path] = (),
    need: Level = Level.L2,
    canary: Path | None = None,
    bwrap: str | None = "bwrap",
    leave_out: Collection[str] = (),
    look: Look | None = None,
    devices: Sequence[str] = (),
) -> Outcome:
    """Run `module.main(job, inputs, out)` on untrusted `inputs` in a jailed child and return how it ended.

    `roots`: package folders that the child may import, or folders of packages to search; nothing else of ours is readable.
    `canary`: a file that the child must fail to read; one of the sandbox's own is tried in any case.
    `bwrap=None` and `leave_out` (landlock, seccomp, rlimits, own_user, namespaces) go without a layer: for tests and for
    diagnosis; the level falls accordingly. Below `need` the child stops before it opens an input, and `ended` is "level".
    `look` is shown the folder of outputs every tenth of a second, which holds what the untrusted child wrote so far; when it
    answers False the whole tree is killed and `ended` is "called_off".
    `devices` are device files that the child may open beside (see `device_files`). Their drivers reserve addresses by the
    hundred gigabytes, so the address space is then not limited; the parent's watch over memory holds as ever.
    Raises SandboxRefused if an input or the canary is no readable file.
    """
    paths = {name: _plain_file(path, f"The input “{name}”") for name, path in inputs.items()}
    canaries = [_plain_file(canary, "The canary")] if canary else []
    work = Workplace()
    try:
        host = _Host(work, roots=roots, bwrap=bwrap, leave_out=leave_out, devices=devices)
        order = host.order(module, inputs=paths, job=job, limits=limits, need=need, canaries=canaries)
        return outcome_of(host.start(order, limits, look), place=work, limits=limits, need=need)
    except BaseException:
        work.leave()
        raise


class _Host:
    """What this machine and its user offer to one job: a folder, perhaps a user of its own, perhaps bubblewrap."""

    def __init__(
        self, work: Workplace, *, roots: Sequence[Path], bwrap: str | None, leave_out: Collection[str], devices: Sequence[str]
    ) -> None:
        self.root = os.geteuid() == 0
        self.out, self.canary = work.out, work.canary
        self.uid = _hand_over(self.out) if self.root and "own_user" not in leave_out else None
        self.packages, self.searched = _importable(roots)
        self.outside = [str(work.folder), tempfile.gettempdir(), "/dev/shm", "/", *map(str, roots)]  # noqa: S108 - tried, not used
        self.leave_out, self.devices = leave_out, list(devices)
        self.drivers = [path for path in _DRIVER_FACTS if Path(path).exists()] if devices else []
        self.bwrap = shutil.which(bwrap or "") or ""
        self.boxed, self.note = bubblewrap.starts(bwrap, root=self.root) if bwrap else (False, "left out on request")

    def order(
        self,
        module: str,
        *,
        inputs: Mapping[str, Path],
        job: Mapping[str, Any],
        limits: Limits,
        need: Level,
        canaries: Sequence[Path],
    ) -> dict[str, Any]:
        """Everything the child is told, as JSON on its standard input."""
        sizes = sum(path.stat().st_size for path in inputs.values())
        return {
            "module": module,
            "job": dict(job),
            "inputs": {name: str(path) for name, path in inputs.items()},
            "out": str(self.out),
            "roots": self.packages,
            "import_paths": [*_packages(), *self.searched],
            "readable": [
                *_interpreter(),
                *self.searched,
                *self.packages.values(),
                str(_HERE),
                *map(str, inputs.values()),
                *self.drivers,
            ],
            "limits": asdict(limits),
            "address_space": None if self.devices else limits.memory + _ADDRESS_SPACE_BASE + 2 * sizes,
            "devices": self.devices,
            "canaries": [*map(str, canaries), str(self.canary)],
            "outside": self.outside,
            "variables": self._environment(limits),
            "need": int(need),
            "uid": self.uid,
            "parent": os.getpid(),
            "namespaces": _namespaces(),
            "bwrap": self.boxed,
            "bwrap_note": "" if self.boxed else self.note,
            "leave_out": sorted(self.leave_out),
            "versions": {"bubblewrap": self.note} if self.boxed else {},
        }

    def start(self, order: Mapping[str, Any], limits: Limits, look: Look | None = None) -> Watched:
        """Run the child to its end."""
        environment = self._environment(limits)
        command = [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", _BOOTSTRAP, str(_HERE)]
        if self.boxed:
            box = bubblewrap.command(
                self.bwrap,
                readable=order["readable"],
                writable=str(self.out),
                environment=environment,
                root=self.root,
                devices=self.devices,
            )
            command = [*box, "--", *command]
        with tempfile.TemporaryFile() as letter:  # a pipe could fill before the child reads
            letter.write(json.dumps(order).encode())
            letter.seek(0)
            process = subprocess.Popen(
                command,
                stdin=letter,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
            return watch(process, limits=limits, out=self.out, look=look)

    def _environment(self, limits: Limits) -> dict[str, str]:
        places = {"PATH": "/usr/bin:/bin", "HOME": str(self.out), "TMPDIR": str(self.out), "LANG": "C.UTF-8"}
        return places | {f"{library}_NUM_THREADS": str(limits.threads) for library in ("OMP", "MKL", "OPENBLAS")}


def device_files() -> list[str]:
    """The device files of NVIDIA's driver that this host has; an empty list where there is no GPU."""
    found = sorted(Path("/dev").glob("nvidia*")) + sorted(Path("/dev/nvidia-caps").glob("*"))
    return [str(path) for path in found if path.is_char_device()]


def _plain_file(path: Path, what: str) -> Path:
    resolved = Path(path).resolve()
    try:
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would otherwise wait for a writer
    except OSError as error:
        raise SandboxRefused(f"{what} cannot be read: {error}.") from error
    plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
    os.close(descriptor)
    if not plain:
        raise SandboxRefused(f"{what} cannot be read: {path} is not a plain file.")
    return resolved


def _hand_over(out: Path) -> int | None:
    """Give the folder to a user of this one job, or None where this host has no such ids to give."""
    uid = secrets.choice(_DYNAMIC_UIDS)
    try:
        os.chown(out, uid, uid)
    except OSError:
        return None
    return uid


def _importable(roots: Sequence[Path]) -> tuple[dict[str, str], list[str]]:
    """Roots that are packages, by their full name, and the other roots, which are searched for packages."""
    packages: dict[str, str] = {}
    searched: list[str] = []
    for root in (Path(root).resolve() for root in roots):
        if not (root / "__init__.py").is_file():
            searched.append(str(root))
            continue
        names, above = [root.name], root.parent
        while (above / "__init__.py").is_file():
            names.append(above.name)
            above = above.parent
        packages[".".join(reversed(names))] = str(root)
    return packages, searched


def _packages() -> list[str]:
    """The folders of installed packages. The child starts without `site`, so that no .pth file runs in it."""
    found = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    found += [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return [path for path in dict.fromkeys(map(os.path.realpath, found)) if Path(path).is_dir()]


def _interpreter() -> list[str]:
    """What Python itself and its libraries need to read; of a home folder only the interpreter's own."""
    bases = {os.path.realpath(base) for base in (sys.base_prefix, sys.base_exec_prefix)}
    libraries = [f"{base}/{name}" for base in sorted(bases) for name in ("lib", "lib64")]
    stdlib = [os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    return [os.path.realpath(sys.executable), *stdlib, *libraries, *_packages(), *_SYSTEM_LIBRARIES, *_SYSTEM_FILES]


def _namespaces() -> dict[str, str]:
    if platform.system() != "Linux":
        return {}
    return {name.name: str(name.readlink()) for name in Path("/proc/self/ns").iterdir()}
