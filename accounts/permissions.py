"""Who may change people, teams, roles and keys. Pure answers, each with the sentence that says why."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import ApiKey, Membership, Person, Team
from accounts.roles import SIGNING_ROLES, Role, Scope
from core.decisions import Decision, allow, deny
from ledger.actors import INSTALLER, Actor


def can_administer(by: Actor, team: Team | None = None) -> Decision:
    """People and teams (without a team), or the roles within `team`."""
    if by is INSTALLER:
        return allow()
    if isinstance(by, Person) and by.holds(Role.ADMINISTRATOR, team):
        return allow()
    if team is None:
        return deny(_("Only an administrator of the whole site may do this; ask one of them."), code="not_administrator")
    return deny(_("Only an administrator of this team or of the site may do this; ask one of them."), code="not_administrator")


def can_list_people(by: Actor) -> Decision:
    if by is INSTALLER or (isinstance(by, Person) and by.holds_anywhere(Role.ADMINISTRATOR)):
        return allow()
    return deny(_("The list of people is for administrators."), code="not_administrator")


def can_grant(by: Actor, person: Person, *, role: str, team: Team | None = None) -> Decision:
    """Whether `by` may give `person` this role; reads the roles that `person` holds at this moment."""
    administers = can_administer(by, None if role == Role.ADMINISTRATOR else team)
    if not administers:
        return administers
    if by.actor_id == person.actor_id and by.actor_kind == person.actor_kind:
        return deny(_("Nobody grants roles to themselves; ask another administrator."), code="own_roles")
    if not person.is_active:
        return deny(_("This person is deactivated and can hold no further role."), code="inactive_person")
    held = set(Membership.objects.filter(person=person).values_list("role", flat=True))
    if role == Role.ADMINISTRATOR and held & SIGNING_ROLES:
        return deny(
            _("An administrator signs nothing, and this person holds a role that signs. Revoke that role first."),
            code="segregation",
        )
    if role in SIGNING_ROLES and Role.ADMINISTRATOR in held:
        return deny(
            _("This person is an administrator, and administrators sign nothing. Give the role to somebody else."),
            code="segregation",
        )
    return allow()


def can_revoke(by: Actor, person: Person, *, role: str, team: Team | None = None) -> Decision:
    return can_administer(by, None if role == Role.ADMINISTRATOR else team)


def can_deactivate(by: Actor, person: Person) -> Decision:
    administers = can_administer(by)
    if administers and by.actor_id == person.actor_id:
        return deny(_("Nobody deactivates themselves; ask another administrator."), code="own_account")
    return administers


def can_erase(by: Actor, person: Person) -> Decision:
    """Erasing is for administrators too, and never for oneself: somebody must answer for it."""
    return can_deactivate(by, person)


def can_make_key(by: Actor, owner: Person, *, through: ApiKey | None = None, scopes: list[str] | None = None) -> Decision:
    """A key acts as its owner, so only the owner (or the installer) makes one; a key makes none that can do more than itself."""
    if not owner.is_active:
        return deny(_("This person is deactivated, so no key can act for them."), code="inactive_person")
    if by is not INSTALLER and by.actor_id != owner.actor_id:
        return deny(_("A key acts as its owner: only they can make it."), code="not_owner")
    if through is not None and not set(scopes or []) <= set(through.scopes):
        return deny(_("A key cannot make a key that may do more than itself; sign in and make it there."), code="scope_exceeded")
    return allow()


def can_revoke_key(by: Actor, key: ApiKey) -> Decision:
    if by.actor_id == str(key.person_id) or can_administer(by):
        return allow()
    return deny(_("Only its owner or an administrator may revoke a key."), code="not_owner")


def can_use(key: ApiKey, scope: str | None) -> Decision:
    """Whether requests with `key` may do what needs `scope`; without a scope keys may not do it at all."""
    if scope is None:
        return deny(_("Keys cannot do this: sign in and do it there."), code="no_keys_here")
    if scope not in key.scopes:
        name = Scope(scope).value
        return deny(_("This key lacks the scope “%(scope)s”. Make a key that has it.") % {"scope": name}, code="scope_missing")
    return allow()
