"""What a sandbox reached, computed from what was applied and from what the child could still do. Used on both sides."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any


class Level(enum.IntEnum):
    """L3 = bubblewrap's namespaces, Landlock, seccomp and limits. L2 = one of the two fences around files (Landlock, or
    bubblewrap's namespaces), seccomp and limits. L1 = seccomp, limits and a user of its own. L0 = anything less."""

    L0 = 0
    L1 = 1
    L2 = 2
    L3 = 3

    def __str__(self) -> str:
        return self.name


BLOCKED, OPEN, NOT_CHECKED = "blocked", "open", "not checked"
ALWAYS = ("network", "fork", "exec", "signals", "environment")  # open at any level above L0 would be a false claim
OF_FILES = ("secrets", "write")


def level_of(evidence: Mapping[str, Any]) -> Level:
    """The level that `evidence` supports. A layer counts only if its probes were tried and failed."""
    probes = evidence.get("probes", {})
    if not (evidence.get("seccomp") and evidence.get("rlimits") and all(probes.get(name) == BLOCKED for name in ALWAYS)):
        return Level.L0
    fences = bool(evidence.get("landlock")) + bool(evidence.get("bwrap"))
    if fences == 0 or any(probes.get(name) != BLOCKED for name in OF_FILES):
        return Level.L1 if evidence.get("own_user") else Level.L0
    return Level.L3 if fences == 2 else Level.L2


def why_below(evidence: Mapping[str, Any], need: Level) -> str:
    """One sentence that says what was missing for `need`, with the kernel's own words where it refused."""
    probes = evidence.get("probes", {})
    missing = [f"{name} was {probes.get(name, NOT_CHECKED)}" for name in (*ALWAYS, *OF_FILES) if probes.get(name) != BLOCKED]
    layers = {"seccomp": "seccomp", "rlimits": "resource limits", "landlock": "Landlock", "bwrap": "bubblewrap"}
    for key, name in layers.items():
        if not evidence.get(key):
            note = evidence.get("notes", {}).get(key, "")
            missing.append(f"{name} was not applied" + (f" ({note})" if note else ""))
    return (
        f"The sandbox reached {level_of(evidence)} where {need} is required, so the file was not opened: "
        + "; ".join(missing)
        + "."
    )
