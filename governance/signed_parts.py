"""What a signature stands for, part by part, in a reader's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.canonical import sha256_of
from governance.approvals import Approval
from governance.pins import also_pinned, word_of
from models_registry.models import Version

_SILENT = {"format", "review", "environment", "version"}  # said by the statement's own words


@dataclass(frozen=True, slots=True)
class SignedPart:
    """One part: its word, what it is, and the digest that stands in what is signed."""

    word: str
    says: str
    digest: str


def signed_parts(version: Version, approval: Approval) -> list[SignedPart]:
    """Every part of what a signature given now would stand for; a part that is empty is said to be so."""
    statement = approval.statement
    says = _sayings(version, approval)
    return [
        SignedPart(capfirst(word_of(key)), says.get(key, ""), _digest(value))
        for key, value in statement.items()
        if key not in _SILENT and (key in says or key in set(also_pinned.names()))
    ]


def _digest(value: Any) -> str:
    if isinstance(value, str):
        return value
    return sha256_of(value) if value else ""


def _sayings(version: Version, approval: Approval) -> dict[str, str]:
    card, statement = version.card, approval.statement
    runs, found = len(statement["evaluations"]), len(statement["pii"])
    return {
        "checkpoint": version.checkpoint_name or _("the file of weights"),
        "construction": _("architecture, and how rows become inputs"),
        "card": _("revision %(number)s") % {"number": card.revision} if card else _("none"),
        "data": ", ".join(str(link.dataset_version) for link in version.data.all()) or _("none named"),
        "run": str(version.training_run) if version.training_run else _("none named"),
        "inspection": version.inspection.get_verdict_display() if hasattr(version, "inspection") else _("not done"),
        "evaluations": ngettext("%(n)d evaluation run", "%(n)d evaluation runs", runs) % {"n": runs},
        "pii": ngettext("%(n)d finding", "%(n)d findings", found) % {"n": found} if found else _("none known"),
        "policy": str(approval.policy),
    }
