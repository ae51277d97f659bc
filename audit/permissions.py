"""Who may have reports made, take the trail away and have the log checked: pure answers with their reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import SIGNING_ROLES, Role
from core.decisions import Decision, allow, deny
from models_registry.models import Version

if TYPE_CHECKING:
    from accounts.models import Person

# Whoever answers for a version, and whoever examines it; not those whose own work it is.
REPORTING_ROLES = frozenset({Role.AUDITOR, *SIGNING_ROLES})


def can_request(person: Person, version: Version) -> Decision:
    if not any(person.holds(role, version.model.team) for role in REPORTING_ROLES):
        return deny(
            _("Reports are made for auditors, validators, compliance officers, data protection officers and risk managers."),
            code="wrong_role",
        )
    return allow()


def can_export(person: Person) -> Decision:
    """Whether `person` may take entries of the trail away; which ones is a matter of what they see."""
    if person.holds_anywhere(Role.AUDITOR):
        return allow()
    return deny(_("Only auditors take entries of the trail away."), code="wrong_role")


def can_check_log(person: Person) -> Decision:
    if person.holds(Role.AUDITOR) or person.holds(Role.ADMINISTRATOR):
        return allow()
    return deny(_("Only auditors and administrators of the whole site have the log checked."), code="wrong_role")
