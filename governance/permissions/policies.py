"""Who writes policies and who publishes them: pure answers with their reasons, asked by the pages, the API and the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from governance.models import Policy

if TYPE_CHECKING:
    from accounts.models import Person

WRITERS = (Role.COMPLIANCE_OFFICER, Role.RISK_MANAGER)


def role_to_write(person: Person) -> str:
    """The role by which the person writes policies; empty where they hold none everywhere."""
    return next((role.value for role in WRITERS if person.holds(role)), "")


def can_write_policies(person: Person) -> Decision:
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they write no policies."), code="administrator")
    if role_to_write(person):
        return allow()
    return deny(
        _("Only a compliance officer or a risk manager of the whole site writes policies: they hold for every team."),
        code="wrong_role",
    )


def can_publish(person: Person, policy: Policy) -> Decision:
    decision = can_write_policies(person)
    if decision and person.pk in policy.authors:
        return deny(_("You drafted or edited it, so someone else must publish it."), code="own_draft")
    return decision
