"""What a hostile checkpoint could do once its code runs in the child: each attempt reports what it got."""
# Hostile code takes the plainest way:
# ruff: noqa: PTH101, PTH108, PTH123, PTH208, PTH211, S103, S108, S605, T201

from __future__ import annotations

import ctypes
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)


def main(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    return globals()[job["do"]](job, inputs, out)


def greet(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    (out / "note.json").write_text('{"from": "the child"}')
    return {"read": {name: path.read_text() for name, path in inputs.items()}, "names": sorted(os.environ)}


def attack(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    """The name of each attempt that succeeded, with what it brought."""
    gains = {}
    for name, attempt in ATTACKS.items():
        try:
            brought = attempt(job, out)
        except (OSError, subprocess.SubprocessError):
            continue
        if brought:
            gains[name] = str(brought)[:200]
    return gains


def _connect(family: int, address: Any) -> str:
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.settimeout(2)
        link.connect(address)
    return "connected"


def _write(path: str) -> str:
    with open(path, "a") as file:
        file.write("")
    if "was-here" in path or path.endswith("outside"):
        os.unlink(path)
    return "written"


def _call(name: str, *arguments: Any) -> str:
    if getattr(LIBC, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
    return "allowed"


def _fork() -> str:
    child = os.fork()
    if child == 0:
        os._exit(0)
    return "forked"


def _thread() -> None:
    started = threading.Thread(target=lambda: None)
    started.start()
    started.join()


def _foreign_environment() -> str:
    found = ""
    for process in os.listdir("/proc"):
        if process.isdigit() and process != str(os.getpid()):
            text = Path("/proc", process, "environ").read_bytes()
            found += "secret" if b"do-not-leak" in text else ""
    return found


ATTACKS: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "tcp": lambda job, out: _connect(socket.AF_INET, ("127.0.0.1", job["port"])),
    "unix socket": lambda job, out: _connect(socket.AF_UNIX, job["unix"]),
    "abstract socket": lambda job, out: _connect(socket.AF_UNIX, "\0" + job["abstract"]),
    "datagram": lambda job, out: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", job["port"])),
    "read the key": lambda job, out: Path(job["key"]).read_text(),
    "list the keys": lambda job, out: Path(job["key"]).name in os.listdir(Path(job["key"]).parent),
    "chmod the key": lambda job, out: os.chmod(job["key"], 0o666) or "changed",
    "link the key": lambda job, out: os.link(job["key"], out / "stolen.json") or "linked",
    "symlink": lambda job, out: os.symlink(job["key"], out / "stolen.json") or "linked",
    "write beside out": lambda job, out: _write(str(out.parent / "outside")),
    "write beside the key": lambda job, out: _write(job["key"] + ".new"),
    "write in /tmp": lambda job, out: _write("/tmp/sandbox-was-here"),
    "write in /dev/shm": lambda job, out: _write("/dev/shm/sandbox-was-here"),
    "write its own code": lambda job, out: _write(__file__),
    "own environment": lambda job, out: [name for name in os.environ if "SECRET" in name],
    "foreign environment": lambda job, out: _foreign_environment(),
    "fork": lambda job, out: _fork(),
    "exec": lambda job, out: subprocess.run(["/bin/true"], check=True),
    "shell": lambda job, out: os.system("true") == 0,
    "setsid": lambda job, out: os.setsid() or "escaped the group",
    "signal the parent": lambda job, out: os.kill(job["parent"], 0) or os.kill(os.getppid(), 0) or "signalled",
    "new namespace": lambda job, out: _call("unshare", 0x10000000),
    "mount": lambda job, out: _call("mount", b"none", str(out).encode(), b"tmpfs", 0, None),
    "memfd": lambda job, out: os.memfd_create("hidden"),
    "outlive the parent": lambda job, out: _call("prctl", 1, 0, 0, 0, 0),
    "ptrace": lambda job, out: _call("ptrace", 16, os.getppid(), 0, 0),
    "limits of others": lambda job, out: __import__("resource").prlimit(os.getppid(), 7, (10, 10)) and "changed",
    "become root": lambda job, out: os.setuid(0) or ("root" if job["root"] else ""),
}


def threads(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    _thread()
    return "threads work"


def hang(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    while True:
        time.sleep(60)


def burn(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    while True:
        pass


def hog(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 20)) * 16)


def claim(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    return len(bytearray(1 << 42))


def flood(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    while True:
        print("x" * 10_000)


def fill(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    for number in range(1_000_000):
        (out / f"{number}.json").write_bytes(b"0" * (1 << 20))


def fill_one(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    with (out / "one.json").open("wb") as file:
        while True:
            file.write(b"0" * (1 << 20))


def fork_bomb(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except OSError:
            time.sleep(0.001)


def fail(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    raise RuntimeError("this job does not like its input")


def crash(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    ctypes.string_at(0)


def leave(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    os._exit(3)


def huge(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    return "x" * (1 << 24)


def not_json(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    return {"value": float("nan")}


def leave_things(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    (out / "good.json").write_text("{}")
    (out / "payload.pkl").write_bytes(b"\x80\x04.")
    (out / "false.safetensors").write_bytes(b"\x80\x04.")
    (out / "true.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    (out / "folder").mkdir()
    (out / "folder" / "deep.json").write_text("{}")
    return "left"


def forge(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    """A second evidence line, after the first."""
    for descriptor in range(64):
        try:
            os.write(descriptor, b'{"level": "L9", "probes": {}}\n')
        except OSError:
            continue
    return "forged"


def imports(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    found = {}
    for name in job["modules"]:
        try:
            found[name] = bool(__import__(name))
        except Exception as error:
            found[name] = type(error).__name__
    return found | {"path": sys.path}


def device(job: dict[str, Any], inputs: dict[str, Path], out: Path) -> Any:
    """What opening each device for reading and writing came to, and the limit of the address space."""
    found = {}
    for path in job["tried"]:
        try:
            os.close(os.open(path, os.O_RDWR))
            found[path] = "open"
        except OSError as error:
            found[path] = error.strerror
    return {"devices": found, "address_space": resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY}
