"""Where the top bar leads, and how a higher package says what waits for a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.registry import Registry

# Each counts, in one query, what waits for a person; the inbox shows the sum. Registered in AppConfig.ready.
waiting_for: Registry[Callable[[Any], int]] = Registry("inbox counter")


@dataclass(frozen=True, slots=True)
class Section:
    """One word of the top bar. `beneath` are the first parts of the addresses that belong to it."""

    name: str
    label: str | Promise
    path: str
    icon: str
    beneath: tuple[str, ...] = ()


STANDING = ("portfolio", "policies", "findings", "exceptions", "change-envelopes", "risk-assessments", "evidence")
RELEASED = ("environments", "releases")
SECTIONS = (
    Section("inbox", _("Inbox"), "", "inbox", ("reviews", "conditions", "signatures")),
    Section("models", _("Models"), "models/", "package", ("models", "versions", *STANDING, *RELEASED)),
    Section("runs", _("Runs"), "runs/", "activity", ("runs",)),
    Section("datasets", _("Datasets"), "datasets/", "database", ("datasets",)),
    Section("trail", _("Audit trail"), "trail/", "scroll-text", ("trail",)),
    Section("reports", _("Reports"), "reports/", "file-badge", ("reports",)),
)


def section_of(path: str) -> str:
    """The name of the section to which an address (without the site's prefix) belongs; "" for none."""
    first = path.strip("/").partition("/")[0]
    for section in SECTIONS:
        if first in section.beneath or first == section.path.strip("/"):
            return section.name
    return ""
