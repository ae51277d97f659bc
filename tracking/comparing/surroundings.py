"""Environments side by side: Python, platform, hardware, and the packages that were added, removed or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracking.comparing.rows import Sides, sides

NAMES = ("python", "platform", "accelerator", "host_kind", "user", "lock_digest")
HARDWARE = ("cpu", "cores", "memory_bytes", "accelerators")


def machine_sides(runs: Sequence[Mapping[str, Any]]) -> Sides:
    """Everything but the packages."""
    flat = []
    for environment in runs:
        facts = {name: environment.get(name) for name in NAMES}
        hardware = environment.get("hardware")
        if isinstance(hardware, Mapping):
            facts |= {name: hardware.get(name) for name in HARDWARE}
        flat.append({name: value for name, value in facts.items() if value not in ("", None, [])})
    return sides(flat, (*NAMES, *HARDWARE))


def package_sides(runs: Sequence[Mapping[str, Any]]) -> Sides:
    """The version of each package; names are compared as Python's index does (case, "-", "_" and "." are one)."""
    return sides([_versions(environment) for environment in runs])


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    packages = environment.get("packages")
    for package in packages if isinstance(packages, list) else []:
        if isinstance(package, Mapping) and package.get("name"):
            name = str(package["name"]).lower().replace("_", "-").replace(".", "-")
            found[name] = str(package.get("version") or "?")
    return found
