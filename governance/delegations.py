"""What delegations bring to the rest: the clock, the history of a version, the inbox."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from core.navigation import waiting_for
from governance import services
from governance.due import falling_due
from governance.models import Delegation
from governance.parts import inbox_parts
from models_registry.history import subjects
from models_registry.models import Version

MOST = 50  # rows of the inbox


def register() -> None:
    """Called once, by `GovernanceConfig.ready`."""
    falling_due.register("delegations", services.expire_delegations, order=20)
    subjects.register("delegation", _used_for)
    inbox_parts.register("delegations", _inbox, order=12)
    waiting_for.register("delegations", lambda person: Delegation.objects.pending().filter(delegate=person).count())


def _used_for(version: Version) -> tuple[str, list[object]]:
    """Those by which somebody signed the version: how they were given belongs to its history."""
    rows = Delegation.objects.filter(sign_offs__review__version=version).distinct().order_by()
    return "delegation", list(rows.values_list("pk", flat=True))


def _inbox(request: HttpRequest) -> list[dict[str, Any]]:
    """Those that were offered to the person and wait for an answer."""
    person: Any = request.user
    rows = Delegation.objects.pending().filter(delegate=person).with_parts().order_by("starts_on", "pk")
    found = list(rows[:MOST])
    return [{"template": "governance/inbox_delegations.html", "rows": found}] if found else []
