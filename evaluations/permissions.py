"""Who may call a measurement off, ask for it again, and take its predictions home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import Role
from core.decisions import Decision, allow, deny
from evaluations.models import EvaluationRun
from models_registry.permissions import can_download

if TYPE_CHECKING:
    from accounts.models import Person


def can_cancel(person: Person, run: EvaluationRun) -> Decision:
    """A repeat checks others' work, so those whose work it checks do not call it off."""
    if run.repeats_id is not None and not person.holds(Role.VALIDATOR, run.version.model.team):
        return deny(_("Only a validator of the team calls a repeated measurement off."), code="wrong_role")
    if _works_in_team(person, run):
        return allow()
    return deny(_("Only data scientists and validators of the team call a measurement off."), code="wrong_role")


def can_repeat(person: Person, run: EvaluationRun) -> Decision:
    """A completed run is repeated by those who check others' work, and so is a repeat, however it ended; another one that was
    not finished also by those whose work waits."""
    if run.state == EvaluationRun.State.COMPLETED or run.repeats_id is not None:
        if not person.holds(Role.VALIDATOR, run.version.model.team):
            return deny(_("Only a validator of the team repeats a measurement."), code="wrong_role")
        if person.pk in {run.version.created_by_id, run.version.submitted_by_id}:
            return deny(_("This is your own version, so another validator must repeat its measurement."), code="own_work")
        return allow()
    if _works_in_team(person, run):
        return allow()
    return deny(_("Only data scientists and validators of the team ask for a measurement again."), code="wrong_role")


def can_take_predictions(person: Person, run: EvaluationRun) -> Decision:
    """As with the checkpoint: what it answers says as much about it and about the data."""
    if can_download(person, run.version):
        return allow()
    return deny(_("Only data scientists and validators of the team download predictions."), code="wrong_role")


def _works_in_team(person: Person, run: EvaluationRun) -> bool:
    team = run.version.model.team
    return person.holds(Role.DATA_SCIENTIST, team) or person.holds(Role.VALIDATOR, team)
