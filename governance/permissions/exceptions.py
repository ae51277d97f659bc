"""Who asks for exceptions and who decides on them; the list is `exceptions_to_decide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from accounts.models import Role, Team
from core.decisions import Decision, allow, deny
from governance.models import Finding, RequirementException
from governance.permissions.findings import makers_of

if TYPE_CHECKING:
    from accounts.models import Person


def can_request(person: Person, team: Team) -> Decision:
    if person.is_active and person.roles_in(team) - {Role.ADMINISTRATOR} and not person.holds_anywhere(Role.ADMINISTRATOR):
        return allow()
    return deny(_("Only somebody with a role in this team asks for an exception."), code="wrong_role")


def can_decide(person: Person, row: RequirementException) -> Decision:
    """Approve or refuse it."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they give no exceptions."), code="administrator")
    if person.pk == row.requested_by_id:
        return deny(_("You asked for this exception, so someone else must decide."), code="own_request")
    if role_of(person, row) is None:
        roles = get_text_list([str(Role(role).label).lower() for role in row.policy.document.exceptions.roles], _("or"))
        if not roles:
            return deny(_("The policy lets nobody give exceptions."), code="wrong_role")
        return deny(_("Under this policy the %(roles)s decides on exceptions.") % {"roles": roles}, code="wrong_role")
    if str(person.pk) in makers_of(row.scope):
        return deny(_("You contributed to what this exception is for, so someone else must decide."), code="own_work")
    if row.kind == "findings" and Finding.objects.filter(pk=row.subject, owner=person).exists():
        return deny(_("You own the finding, so someone else must accept its risk."), code="own_finding")
    return allow()


def can_revoke(person: Person, row: RequirementException) -> Decision:
    """Taking back makes nothing milder, so it asks for the role alone."""
    if not person.holds_anywhere(Role.ADMINISTRATOR) and role_of(person, row) is not None:
        return allow()
    return deny(_("Whoever may give exceptions under this policy takes them back."), code="wrong_role")


def role_of(person: Person, row: RequirementException) -> str | None:
    """The role by which the person decides, of those that the policy names."""
    return next((role for role in row.policy.document.exceptions.roles if person.holds(role, row.model.team)), None)


def exceptions_to_decide(person: Person) -> list[RequirementException]:
    """Those that wait for this person, the oldest first: few at any time, so each is asked."""
    rows = RequirementException.objects.visible_to(person).filter(state=RequirementException.State.REQUESTED)
    return [row for row in rows.with_parts().order_by("pk")[:200] if can_decide(person, row)]


def exceptions_waiting(person: Person) -> int:
    """How many wait for somebody with a role that this person holds, in one query."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return 0
    rows = RequirementException.objects.visible_to(person).filter(state=RequirementException.State.REQUESTED)
    asked = rows.exclude(requested_by=person).select_related("model__team", "policy")[:200]
    return sum(role_of(person, row) is not None for row in asked)
