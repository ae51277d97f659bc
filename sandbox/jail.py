"""The jail that the child puts on itself, before any untrusted byte is read and before torch is imported.

Each layer is applied if this kernel offers it, and reported as applied or with the reason why not; nothing is assumed.
The order matters: what needs privileges comes first, then they are given up, then the fences close.
"""

from __future__ import annotations

import ctypes
import os
import resource
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox import kernel, landlock, seccomp

NEW_USER, NEW_NET, NEW_IPC, NEW_UTS = 0x10000000, 0x40000000, 0x08000000, 0x04000000
NAMESPACES = ("mnt", "pid", "net", "ipc", "uts", "user")
_CAPABILITY_VERSION_3 = 0x20080522
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_KEEPABLE = {_CAP_DAC_READ_SEARCH: "dac_read_search", _CAP_DAC_OVERRIDE: "dac_override"}


def apply(order: Mapping[str, Any]) -> dict[str, Any]:
    """Apply every layer that `order` does not leave out; return what was really applied."""
    notes: dict[str, str] = {}
    skip = set(order["leave_out"])

    def layer(name: str, put_on: Callable[[], Any]) -> Any:
        if name in skip:
            notes[name] = "left out on request"
            return None
        try:
            return put_on()
        except OSError as error:
            notes[name] = str(error)
            return None

    if order["address_space"] is None:
        notes["address_space"] = "not limited, because a device is in use; the parent watches over memory"
    resources = layer("rlimits", lambda: _limit(order["limits"], order["address_space"]))
    if not order["bwrap"]:
        layer("namespaces", _own_network)
    own = _own_namespaces(order["namespaces"])
    bwrap = bool(order["bwrap"] and all(own.get(name) for name in ("mnt", "pid", "net", "ipc")))
    if not bwrap:
        notes["bwrap"] = order["bwrap_note"] or "its namespaces were not in force"
    # Reading past folder permissions is harmless only behind a fence; without one it would open every file of the host.
    fenced = bwrap or ("landlock" not in skip and landlock.abi() > 0)
    kept = layer("own_user", lambda: _give_up_privileges(order["uid"], keep_reading=fenced))
    layer("no_new_privs", lambda: kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1))
    layer("dumpable", lambda: kernel.prctl(kernel.PR_SET_DUMPABLE, 0))
    layer("dies_with_parent", lambda: _die_with(order["parent"], boxed=order["bwrap"]))
    os.chdir(order["out"])  # before the fence closes, while the folders above may still be walked
    version = layer("landlock", lambda: landlock.restrict(read=order["readable"], write=[order["out"]], devices=order["devices"]))
    filtered = layer("seccomp", seccomp.restrict)
    return {
        "bwrap": bwrap,
        "landlock": bool(version),
        "landlock_abi": version or 0,
        "seccomp": bool(filtered),
        "rlimits": bool(resources),
        "namespaces": own,
        "uid": os.getuid(),
        "own_user": order["uid"] is not None and os.getuid() == order["uid"],
        "capabilities": kept or [],
        "notes": notes,
    }


def _limit(limits: Mapping[str, int], address_space: int | None) -> bool:
    cpu = limits["cpu"] + 1  # the parent stops the tree at the limit and names it; this is for a parent that does not
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits["output"], limits["output"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    if address_space is not None:
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    return True


def _own_network() -> None:
    """A network namespace without any interface, also where bubblewrap does not start. One more layer, never counted alone."""
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(NEW_NET | NEW_IPC | NEW_UTS | (NEW_USER if uid else 0))
    if uid:
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            Path("/proc/self", name).write_text(line)


def _own_namespaces(of_parent: Mapping[str, str]) -> dict[str, bool]:
    """Which namespaces differ from the parent's: the claim of bubblewrap is checked, not believed."""
    own: dict[str, bool] = {}
    for name in NAMESPACES:
        try:
            mine = str(Path("/proc/self/ns", name).readlink())
        except OSError:
            continue
        own[name] = bool(of_parent.get(name)) and mine != of_parent[name]
    return own


def _give_up_privileges(uid: int | None, *, keep_reading: bool) -> list[str]:
    """Become user `uid` (root only) and drop every capability but the one to read past folder permissions, which root
    alone has: the interpreter and the checkpoints may lie behind folders that only root may enter."""
    held = _permitted()
    wanted = next((c for c in _KEEPABLE if held & (1 << c)), None) if keep_reading and uid is not None else None
    for capability in range(64):
        if not _drops_from_bounding_set(capability):
            break
    if uid is not None:
        kernel.prctl(kernel.PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    _clear_ambient()
    mask = 0 if wanted is None else 1 << wanted
    header = ctypes.create_string_buffer(struct.pack("<Ii", _CAPABILITY_VERSION_3, 0), 8)
    data = ctypes.create_string_buffer(struct.pack("<6I", mask, mask, 0, 0, 0, 0), 24)
    kernel.capset(header, data)
    return [] if wanted is None else [_KEEPABLE[wanted]]


def _drops_from_bounding_set(capability: int) -> bool:
    """Whether there was such a capability and more may follow; an ordinary user has nothing to drop."""
    try:
        kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
    except OSError:
        return False
    return True


def _clear_ambient() -> None:
    try:
        kernel.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
    except OSError:
        return  # kernels before 4.3 have no ambient set


def _permitted() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapPrm:"):
            return int(line.split()[1], 16)
    return 0


def _die_with(parent: int, *, boxed: bool) -> None:
    """When the parent dies, so does this process. Set after the user changed, which would clear it. Inside bubblewrap the
    parent is its own first process, which dies with the outer one."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
    if not boxed and os.getppid() != parent:
        os._exit(1)  # it died before this line
