"""What signatures, conditions and change envelopes bring to the rest: protection, history, inbox, and the clock."""

from __future__ import annotations

from core.navigation import waiting_for
from governance import parts, services
from governance.change_envelopes import enrolling as change_envelopes
from governance.due import falling_due
from governance.models import Accountability, Condition, ConditionAnswer, SignOff, SignOffWithdrawal
from governance.parts.conditions import inbox_part, of_version, waiting_conditions
from ledger.protection import protect
from models_registry.history import subjects
from models_registry.models import Version
from models_registry.parts import overview_parts


def register() -> None:
    for table in (SignOff, SignOffWithdrawal, Accountability, ConditionAnswer):
        protect(table)
    subjects.register("condition", _conditions_of)
    parts.inbox_parts.register("conditions", inbox_part)
    waiting_for.register("conditions", lambda person: waiting_conditions(person).count())
    falling_due.register("conditions", services.suspend_missed)
    overview_parts.register("conditions", of_version)
    change_envelopes.register()


def _conditions_of(version: Version) -> tuple[str, list[object]]:
    rows = Condition.objects.filter(review__version=version).values_list("pk", flat=True)
    return "condition", list(rows)
