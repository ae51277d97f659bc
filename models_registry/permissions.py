"""Who may do what to models and versions: pure answers, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Role
from accounts.visibility import teams_visible_to
from core.decisions import Decision, allow, deny
from models_registry.models import RegisteredModel, Version

if TYPE_CHECKING:
    from accounts.models import Person, Team


def can_register(person: Person, team: Team) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, team):
        return allow()
    return deny(_("Only a data scientist of this team registers models and versions in it."), code="wrong_role")


def scientist_teams(person: Person) -> QuerySet[Team]:
    """The teams for which the person hands in versions: the list form of `can_register`."""
    teams = teams_visible_to(person)
    return (
        teams
        if person.holds(Role.DATA_SCIENTIST)
        else teams.filter(memberships__person=person, memberships__role=Role.DATA_SCIENTIST)
    )


def can_draft(person: Person, model: RegisteredModel) -> Decision:
    return can_register(person, model.team)


def can_edit(person: Person, version: Version) -> Decision:
    """Whoever may draft in the team may work on its drafts: data scientists share their work."""
    return can_draft(person, version.model)


def can_withdraw(person: Person, version: Version) -> Decision:
    if person.pk in {version.created_by_id, version.submitted_by_id}:
        return allow()
    return deny(_("Only the person who made or submitted this version withdraws it."), code="not_yours")


def can_download(person: Person, version: Version) -> Decision:
    if person.holds(Role.DATA_SCIENTIST, version.model.team) or person.holds(Role.VALIDATOR, version.model.team):
        return allow()
    return deny(_("Only data scientists and validators of the team download a checkpoint."), code="wrong_role")


def can_hand_on(person: Person, version: Version) -> Decision:
    """Whoever clones a version hands its checkpoint to another team, so it is one of those who may have it themselves."""
    if can_download(person, version):
        return allow()
    return deny(
        _("Only data scientists and validators of the version's team hand its checkpoint on to another model."), code="wrong_role"
    )


def can_clone(person: Person, version: Version, team: Team) -> Decision:
    """Whether `person` may make the version one of a model of `team`."""
    return can_hand_on(person, version) and can_register(person, team)


def can_rename(person: Person, model: RegisteredModel) -> Decision:
    """A name that people signed stays the name of what they signed."""
    if Version.objects.filter(model=model).exclude(submitted_at=None).exists():
        return deny(
            _("A version of this model was submitted under its name, so it keeps it. Register a model of the new name."),
            code="name_submitted",
        )
    return can_draft(person, model)
