"""What the evidence of a sandboxed job says to people: how strong the sandbox was, and what the child could not do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

# What stands behind each level; see sandbox.levels.
_LEVELS = {
    "L3": gettext_lazy("two fences around files, a filter of system calls, limits"),
    "L2": gettext_lazy("one fence around files, a filter of system calls, limits"),
    "L1": gettext_lazy("a filter of system calls, limits, a user of its own"),
    "L0": gettext_lazy("too weak to count"),
}
# Each probe: what is said when the child was stopped, and when it was not.
_PROBES = {
    "network": (gettext_lazy("network blocked"), gettext_lazy("network open")),
    "secrets": (gettext_lazy("keys unreadable"), gettext_lazy("keys readable")),
    "fork": (gettext_lazy("new processes blocked"), gettext_lazy("new processes possible")),
    "exec": (gettext_lazy("other programs blocked"), gettext_lazy("other programs possible")),
    "write": (gettext_lazy("writing elsewhere blocked"), gettext_lazy("writing elsewhere possible")),
    "signals": (gettext_lazy("signals to others blocked"), gettext_lazy("signals to others possible")),
    "environment": (gettext_lazy("environment hidden"), gettext_lazy("environment readable")),
}


@dataclass(frozen=True, slots=True)
class SandboxWords:
    """`level` with what it means; `held` and `open` are what the probes found, `unchecked` what was not tried."""

    level: str
    meaning: str
    held: str
    open: str
    unchecked: str
    evidence: dict[str, Any]


def words_of(evidence: Mapping[str, Any] | None) -> SandboxWords | None:
    """The evidence in words; None where no sandbox has run yet."""
    if not evidence or not evidence.get("level"):
        return None
    probes: Mapping[str, str] = evidence.get("probes", {})
    held, open_, unchecked = [], [], []
    for name in (*[known for known in _PROBES if known in probes], *sorted(set(probes) - set(_PROBES))):
        stopped, free = _PROBES.get(name, (_("%(what)s blocked") % {"what": name}, _("%(what)s open") % {"what": name}))
        if probes[name] == "blocked":
            held.append(str(stopped))
        elif probes[name] == "open":
            open_.append(str(free))
        else:
            unchecked.append(name)
    level = str(evidence["level"])
    return SandboxWords(
        level, str(_LEVELS.get(level, "")), " · ".join(held), " · ".join(open_), ", ".join(unchecked), dict(evidence)
    )
