"""Who may report from production and who answers an alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from models_registry.models import Version
from monitoring.models import Alert

if TYPE_CHECKING:
    from accounts.models import Person


def can_observe(person: Person, version: Version) -> Decision:
    team = version.model.team
    if person.holds(Role.DATA_SCIENTIST, team) or person.holds(Role.RISK_MANAGER, team):
        return allow()
    return deny(_("Only data scientists and risk managers of the team, and their keys, report observations."), code="wrong_role")


def can_answer(person: Person, alert: Alert) -> Decision:
    if person.holds(Role.RISK_MANAGER, alert.version.model.team):
        return allow()
    return deny(_("Only a risk manager of this team acknowledges and closes its alerts."), code="wrong_role")
