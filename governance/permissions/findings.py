"""Who raises findings, works on them and tests them again. The lists are `Finding.objects.owned_by` and `retestable_by`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from governance.models import Finding
from governance.permissions import contributors as contributors_to
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
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
    if isinstance(thing, Version):
        return contributors_to(thing)
    if isinstance(thing, RegisteredModel):
        made = thing.versions.values_list("created_by", "submitted_by")
        return {str(thing.owner_id)} | {str(one) for pair in made for one in pair if one is not None}
    return {str(thing.created_by_id), str(thing.dataset.created_by_id)}


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


def can_revise(person: Person, finding: Finding) -> Decision:
    """Severity, owner and due date; neither whoever mends it nor those whose work it is about make it milder."""
    may = can_raise(person, finding.team)
    return may and _is_disinterested(person, finding)


def can_work(person: Person, finding: Finding) -> Decision:
    if person.pk == finding.owner_id and person.is_active:
        return allow()
    return deny(_("Only the owner of this finding says how it is mended."), code="not_owner")


def can_retest(person: Person, finding: Finding) -> Decision:
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return deny(_("Administrators hand out roles, so they close no findings."), code="administrator")
    if not any(person.holds(role, finding.team) for role in Finding.RETESTERS):
        return deny(_("Only a validator or a compliance officer of this team tests a finding again."), code="wrong_role")
    return _is_disinterested(person, finding)


def _is_disinterested(person: Person, finding: Finding) -> Decision:
    if person.pk == finding.owner_id:
        return deny(_("You own this finding, so someone else must do this."), code="own_finding")
    if person.pk in finding.contributors or str(person.pk) in makers_of(finding.subject):
        return deny(_("You made what this finding is about, so someone else must do this."), code="own_work")
    return allow()
