"""What delegations bring to the rest: the clock, the history of a version, the inbox."""

from __future__ import annotations

from governance import services
from governance.due import falling_due
from governance.models import Delegation
from models_registry.history import subjects
from models_registry.models import Version


def register() -> None:
    """Called once, by `GovernanceConfig.ready`."""
    falling_due.register("delegations", services.expire_delegations, order=20)
    subjects.register("delegation", _used_for)


def _used_for(version: Version) -> tuple[str, list[object]]:
    """Those by which somebody signed the version: how they were given belongs to its history."""
    rows = Delegation.objects.filter(sign_offs__review__version=version).distinct().order_by()
    return "delegation", list(rows.values_list("pk", flat=True))
