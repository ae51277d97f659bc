"""Who raises findings, works on them and tests them again. The lists are `Finding.objects.owned_by` and `retestable_by`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from governance.models import Finding
from governance.permissions import contributors_of
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from accounts.models import Person, Team
    from data_registry.models import DatasetVersion

RAISERS = (
    *(Role.VALIDATOR, Role.COMPLIANCE_OFFICER, Role.DATA_PROTECTION_OFFICER),
    *(Role.RISK_MANAGER, Role.AUDITOR),
)


def team_of(thing: RegisteredModel | Version | DatasetVersion) -> Team:
    """The team whose finding it is."""
    if isinstance(thing, RegisteredModel):
        return thing.team
    return thing.model.team if isinstance(thing, Version) else thing.dataset.team


def makers_of(thing: RegisteredModel | Version | DatasetVersion) -> set[str]:
    """Pseudonyms of those whose own work the thing is."""
    return makers_of_all([thing])[thing.pk]


def makers_of_all(things: Iterable[RegisteredModel | Version | DatasetVersion]) -> dict[UUID, set[str]]:
    """The makers of each thing by its key, in a number of queries that does not grow with the things."""
    given = {one.pk: one for one in things}
    found = contributors_of([one for one in given.values() if isinstance(one, Version)])
    models = {one.pk: one for one in given.values() if isinstance(one, RegisteredModel)}
    found |= {pk: {str(one.owner_id)} for pk, one in models.items()}
    made = Version.objects.filter(model__in=models).values_list("model", "created_by", "submitted_by") if models else []
    for model, *people in made:
        found[model] |= {str(one) for one in people if one is not None}
    for one in given.values():
        if not isinstance(one, Version | RegisteredModel):
            found[one.pk] = {str(one.created_by_id), str(one.dataset.created_by_id)}
    return found


def can_raise(person: Person, team: Team) -> Decision:
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators look after people and keys, so they raise no findings."), code="administrator")
    if any(person.holds(role, team) for role in RAISERS):
        return allow()
    return deny(
        _("Validators, compliance officers, data protection officers, risk managers and auditors raise findings."),
        code="wrong_role",
    )


def can_own(person: Person, team: Team) -> Decision:
    """Whether a finding of this team may be given to `person`."""
    if person.is_active and person.roles_in(team) - {Role.ADMINISTRATOR}:
        return allow()
    return deny(_("The owner must be an active person with a role in this team."), code="owner_without_role")


def can_revise(person: Person, finding: Finding, *, makers: set[str] | None = None) -> Decision:
    """Severity, owner and due date; neither whoever mends it nor those whose work it is about make it milder. `makers`: of what
    it is about, where the caller knows them."""
    may = can_raise(person, finding.team)
    return may and _is_disinterested(person, finding, makers)


def can_work(person: Person, finding: Finding) -> Decision:
    if person.pk == finding.owner_id and person.is_active:
        return allow()
    return deny(_("Only the owner of this finding says how it is mended."), code="not_owner")


def can_retest(person: Person, finding: Finding, *, makers: set[str] | None = None) -> Decision:
    """`makers`: as for `can_revise`."""
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they close no findings."), code="administrator")
    if not any(person.holds(role, finding.team) for role in Finding.RETESTERS):
        return deny(_("Only a validator or a compliance officer of this team tests a finding again."), code="wrong_role")
    return _is_disinterested(person, finding, makers)


def _is_disinterested(person: Person, finding: Finding, makers: set[str] | None) -> Decision:
    if person.pk == finding.owner_id:
        return deny(_("You own this finding, so someone else must do this."), code="own_finding")
    if person.pk in finding.contributors or str(person.pk) in (makers_of(finding.subject) if makers is None else makers):
        return deny(_("You made what this finding is about, so someone else must do this."), code="own_work")
    return allow()
