"""The machine that trains: what kind of place it is, its processor, memory and accelerators, and who is at work."""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 5.0  # for nvidia-smi, which takes long where a driver hangs
_CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "BUILDKITE", "TF_BUILD", "TEAMCITY_VERSION")
_PORTABLE = {"8", "9", "10", "11", "14", "30", "31", "32"}  # chassis types of SMBIOS: portable, laptop, notebook, tablet …
_SERVERS = {"17", "23", "25", "28", "29"}  # main server, rack mount, multi-system, blade, blade enclosure


def user() -> str:
    """The name of the account that runs this; nothing where the system knows none."""
    try:
        return getpass.getuser()[:100]
    except (OSError, KeyError, ImportError):
        return ""


def host_kind(root: Path = Path("/"), variables: Any = os.environ) -> str:
    """notebook, ci, container, laptop or server, asked in this order; unknown where nothing says so."""
    if "ipykernel" in sys.modules or "google.colab" in sys.modules:
        return "notebook"
    if any(variables.get(name, "").lower() not in ("", "0", "false") for name in _CI):
        return "ci"
    if _in_container(root, variables):
        return "container"
    chassis = _text(root / "sys/class/dmi/id/chassis_type")
    if chassis in _PORTABLE or _has_battery(root):
        return "laptop"
    if sys.platform == "darwin":
        return "laptop" if "MacBook" in _said("sysctl", "-n", "hw.model") else "unknown"
    if chassis in _SERVERS or (sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & set(variables)):
        return "server"
    return "unknown"


def hardware() -> dict[str, Any]:
    """{cpu, cores, memory_bytes, accelerators: [name, memory and driver of each]}: what this process may use."""
    found = accelerators()
    return {"cpu": _cpu(), "cores": _cores(), "memory_bytes": _memory(), "accelerators": found}


def accelerators() -> list[str]:
    """As nvidia-smi names them. torch is asked only where it has initialised CUDA already: asking would initialise it, and then
    no process could be forked that uses it."""
    said = _said("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    rows = [[field.strip() for field in line.split(",")] for line in said.splitlines()]
    if named := [f"{row[0]}, {row[1]}, driver {row[2]}" for row in rows if len(row) == 3]:
        return named[:64]
    torch = sys.modules.get("torch")
    try:
        if torch is not None and torch.cuda.is_initialized():
            return [str(torch.cuda.get_device_name(number)) for number in range(torch.cuda.device_count())]
        if torch is not None and torch.backends.mps.is_available():
            return ["Apple GPU (MPS)"]
    except (AttributeError, RuntimeError, AssertionError):  # a build without them, or a driver that does not answer
        pass
    return []


def _in_container(root: Path, variables: Any) -> bool:
    if any((root / name).exists() for name in (".dockerenv", "run/.containerenv")) or variables.get("container"):
        return True
    if "KUBERNETES_SERVICE_HOST" in variables:
        return True
    return bool(re.search(r"docker|kubepods|containerd|libpod|lxc", _text(root / "proc/1/cgroup")))


def _has_battery(root: Path) -> bool:
    """A battery of the machine itself; that of a mouse says that it belongs to a device."""
    supplies = root / "sys/class/power_supply"
    try:
        found = list(supplies.iterdir())
    except OSError:
        return False
    return any(_text(one / "type") == "Battery" and _text(one / "scope") != "Device" for one in found)


def _cpu() -> str:
    for line in _text(Path("/proc/cpuinfo"), limit=100_000).splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"model name", "Hardware", "Model"} and value.strip():
            return value.strip()[:200]
    return (_said("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor() or platform.machine())[:200]


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))  # those that this process may use
    except AttributeError:
        return os.cpu_count() or 0


def _memory() -> int:
    """Bytes that the machine has, or that its container may use; 0 where nobody says."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
    limits = [_text(Path("/sys/fs/cgroup") / name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    return min([whole, *(int(limit) for limit in limits if limit.isdigit())])


def _text(path: Path, *, limit: int = 10_000) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(limit).strip()
    except OSError:
        return ""


def _said(*words: str) -> str:
    """What a program of the system answers within its time; nothing where it is not installed or fails."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
