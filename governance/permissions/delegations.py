"""Who lends a role that signs, to whom, and for which signature a delegation counts. A delegation is worth what its delegator
holds at that moment, and never more than both people might do themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import SIGNING_ROLES, Role
from core.decisions import Decision, allow, deny
from governance.models import Delegation

if TYPE_CHECKING:
    from accounts.models import Person, Team
    from models_registry.models import RegisteredModel


def can_delegate(person: Person, role: str, team: Team | None) -> Decision:
    """Whether `person` may lend this role there (without a team: everywhere), to whomever."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they sign nothing and delegate nothing."), code="administrator")
    if role not in SIGNING_ROLES:
        return deny(_("Only a role that signs is delegated."), code="signs_nothing")
    if person.holds(role, team):
        return allow()
    lent = Delegation.objects.in_force().filter(delegate=person, role=role)
    if lent.exists():
        return deny(_("You hold this role by delegation, and what is delegated is not passed on."), code="passed_on")
    if team is None:
        return deny(_("You do not hold this role everywhere. Choose the team in which you hold it."), code="wrong_role")
    return deny(_("You do not hold this role in this team."), code="wrong_role")


def can_delegate_to(person: Person, other: Person, role: str, team: Team | None) -> Decision:
    """Whether `person` may lend this role there to `other`."""
    if may := can_delegate(person, role, team):
        return can_receive(person, other, team)
    return may


def can_receive(person: Person, other: Person, team: Team | None) -> Decision:
    """Whether `other` is somebody to whom `person` may lend a role in `team` (without a team: everywhere)."""
    if other.pk == person.pk:
        return deny(_("Nobody delegates to themselves. Choose somebody else."), code="to_oneself")
    if not other.is_active:
        return deny(_("This account is deactivated and signs nothing. Choose somebody else."), code="inactive_person")
    if other.holds_anywhere(Role.ADMINISTRATOR):
        return deny(
            _("Administrators hand out roles, so they sign nothing, also not by delegation. Choose somebody else."),
            code="administrator",
        )
    if not sees(other, team):
        return deny(
            _("This person does not see what would be signed. Choose somebody with a role there, or have one given to them."),
            code="not_in_sight",
        )
    return allow()


def sees(person: Person, team: Team | None) -> bool:
    """Whether `person` has a role by which they see the content of `team`; without a team, of any."""
    if team is not None:
        return bool(person.roles_in(team) - {Role.ADMINISTRATOR})
    return any(person.holds_anywhere(role) for role in Role.values if role != Role.ADMINISTRATOR)


def can_answer(person: Person, delegation: Delegation) -> Decision:
    """Whether `person` may accept or decline it now."""
    if person.pk != delegation.delegate_id:
        return deny(_("Only the person to whom a delegation is offered accepts or declines it."), code="not_yours")
    return allow()


def can_accept(person: Person, delegation: Delegation) -> Decision:
    """As `can_answer`, and what it lends must still be there to be lent."""
    may = can_answer(person, delegation) and can_receive(delegation.delegator, person, delegation.team)
    if not may:
        return may
    if not delegation.delegator.holds(delegation.role, delegation.team):
        return deny(_("Whoever offered it no longer holds the role, so there is nothing to accept."), code="delegator_wrong_role")
    return allow()


def can_end(person: Person, delegation: Delegation) -> Decision:
    if person.pk in {delegation.delegator_id, delegation.delegate_id}:
        return allow()
    return deny(_("Only the two people of a delegation end it."), code="not_yours")


def can_use(person: Person, delegation: Delegation, role: str, model: RegisteredModel) -> Decision:
    """Whether the delegation covers a signature of `person` in `role` about this model now; what bars its delegator is asked
    apart."""
    if person.pk != delegation.delegate_id:
        return deny(_("This delegation was given to somebody else."), code="not_yours")
    if not delegation.is_in_force:
        return deny(
            _("This delegation is not in force (any more): it was not accepted, has not begun, ran out or was ended."),
            code="delegation_not_in_force",
        )
    if role != delegation.role:
        said = _("This delegation is for the role %(role)s.")
        return deny(said % {"role": Role(delegation.role).label.lower()}, code="delegation_scope")
    if delegation.team_id not in {None, model.team_id}:
        return deny(_("This delegation is for another team."), code="delegation_scope")
    if not sees(person, model.team):
        return deny(_("You have no role in this team, so you do not see what you would sign."), code="not_in_sight")
    return allow()
