"""Who may report training runs, and which runs still take reports."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Person, Team
from accounts.roles import Role
from core.decisions import Decision, allow, deny

REPORTERS = frozenset({Role.DATA_SCIENTIST, Role.VALIDATOR})  # validators train challengers


def can_record(person: Person, team: Team) -> Decision:
    if person.is_active and person.roles_in(team) & REPORTERS:
        return allow()
    return deny(_("Only a data scientist or a validator of the team may record training runs."), code="role_missing")
