"""Who may do what with data. Each answer is a `Decision` whose reason is shown; the QuerySets of the models agree."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Person, Team
from accounts.roles import Role
from core.decisions import Decision, allow, deny
from data_registry.models import Dataset, DatasetVersion
from data_registry.models.dataset import KEEPERS

ASSESSORS = KEEPERS | {Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER}


def _holds_one_of(person: Person, roles: frozenset[Role], team: Team) -> bool:
    return person.is_active and bool(person.roles_in(team) & roles)


def can_register(person: Person, team: Team) -> Decision:
    if _holds_one_of(person, KEEPERS, team):
        return allow()
    return deny(_("Only a data scientist or a validator of the team may register data."), code="role_missing")


def can_change(person: Person, thing: Dataset | DatasetVersion) -> Decision:
    """Add versions to a dataset; fill, register and link a version."""
    team = thing.team if isinstance(thing, Dataset) else thing.dataset.team
    return can_register(person, team)


def can_register_hold_out(person: Person, version: DatasetVersion) -> Decision:
    """Who keeps rows apart must not be who is measured on them: a validator of the team who trains nothing there."""
    team = version.dataset.team
    if not person.is_active or not person.holds(Role.VALIDATOR, team):
        return deny(_("Only a validator of the team registers a hold-out: it is kept from those who train."), code="role_missing")
    if person.holds(Role.DATA_SCIENTIST, team):
        return deny(_("You also train in this team, so another validator must register its hold-outs."), code="trains_too")
    return allow()


def can_link(person: Person, from_version: DatasetVersion, to_version: DatasetVersion) -> Decision:
    """A link may lead to another team's data, but only to data that the person sees."""
    if not person.roles_in(to_version.dataset.team) - {Role.ADMINISTRATOR}:
        return deny(_("You cannot link to data that you may not see."), code="not_visible")
    return can_change(person, from_version)


def can_record_finding(person: Person, version: DatasetVersion, *, review: bool = False) -> Decision:
    team = version.dataset.team
    if review and not person.holds(Role.DATA_PROTECTION_OFFICER, team):
        return deny(_("Only a data protection officer may review findings about personal data."), code="role_missing")
    if review and person.pk == version.created_by_id:  # a review may take a finding away, and the officer's step with it
        return deny(_("You registered these data, so someone else must review what is said of them."), code="own_work")
    if _holds_one_of(person, ASSESSORS, team):
        return allow()
    return deny(
        _("Only a data scientist, validator, compliance officer or data protection officer of the team may say what data holds."),
        code="role_missing",
    )
