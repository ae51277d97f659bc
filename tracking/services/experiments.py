"""Experiments: made once under a name, renamed, hidden and shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from data_registry.documents import require_text
from ledger.acts import Act, act
from tracking import events, rules
from tracking.models import Experiment
from tracking.permissions import can_record

if TYPE_CHECKING:
    from accounts.models import Person, Team

DEFAULT = "Default"
NAME = 250


def make_experiment(team: Team, *, by: Person, name: str, tags: Mapping[str, str] | None = None) -> Experiment:
    """The team has an experiment of this name; refused where it has one already."""
    with act(by, attempt="make_experiment", on=team) as this:
        can_record(by, team).enforce()
        made = _insert(team, name=_checked(name), tags=rules.require_tags(tags or {}), by=by, within=this)
        if made is None:
            raise WrongState(_("The team already has an experiment “%(name)s”.") % {"name": name}, code="name_taken")
    return made


def experiment_of(team: Team, *, name: str, by: Person, within: Act) -> Experiment:
    """The team's experiment of this name, made now where there was none."""
    name = _checked(name or DEFAULT)
    found = Experiment.objects.filter(team=team, name=name).first() or _insert(team, name=name, tags={}, by=by, within=within)
    found = found or Experiment.objects.get(team=team, name=name)  # somebody else made it at this moment
    if found.hidden_at:
        raise WrongState(
            _("The experiment “%(name)s” is hidden: show it again, or name another.") % {"name": name}, code="experiment_hidden"
        )
    return found


def rename_experiment(experiment: Experiment, *, by: Person, name: str) -> Experiment:
    """The experiment has another name."""
    with act(by, attempt="rename_experiment", on=experiment) as this:
        can_record(by, experiment.team).enforce()
        name = _checked(name)
        try:
            with transaction.atomic():
                Experiment.objects.filter(pk=experiment.pk).update(name=name)
        except IntegrityError as error:
            raise WrongState(_("The team already has an experiment “%(name)s”.") % {"name": name}, code="name_taken") from error
        this.record(events.ExperimentRenamed(), on=experiment)
    experiment.name = name
    return experiment


def hide_experiment(experiment: Experiment, *, by: Person) -> None:
    """It no longer stands in the lists; its runs stay."""
    with act(by, attempt="hide_experiment", on=experiment) as this:
        can_record(by, experiment.team).enforce()
        if Experiment.objects.filter(pk=experiment.pk, hidden_at=None).update(hidden_at=this.at):
            this.record(events.ExperimentHidden(), on=experiment)
            experiment.hidden_at = this.at


def show_experiment(experiment: Experiment, *, by: Person) -> None:
    """It stands in the lists again."""
    with act(by, attempt="show_experiment", on=experiment) as this:
        can_record(by, experiment.team).enforce()
        if Experiment.objects.filter(pk=experiment.pk, hidden_at__isnull=False).update(hidden_at=None):
            this.record(events.ExperimentShown(), on=experiment)
            experiment.hidden_at = None


def tag_experiment(experiment: Experiment, *, by: Person, tags: Mapping[str, str | None]) -> Experiment:
    """The experiment has these tags too; one of None is taken away."""
    with act(by, attempt="tag_experiment", on=experiment):
        can_record(by, experiment.team).enforce()
        locked = Experiment.objects.select_for_update().get(pk=experiment.pk)
        kept = {name: text for name, text in {**locked.tags, **tags}.items() if text is not None}
        locked.tags = rules.require_tags(kept)
        locked.save(update_fields=["tags"])
    return locked


def _insert(team: Team, *, name: str, tags: Mapping[str, str], by: Person, within: Act) -> Experiment | None:
    """None where the team has one of this name."""
    made = Experiment(team=team, name=name, tags=tags, created_by=by, created_at=within.at)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        return None
    within.record(events.ExperimentMade(team=str(team.pk)), on=made)
    return made


def _checked(name: str) -> str:
    name = name.strip()
    require_text(name, name=_("The name"))
    if not 1 <= len(name) <= NAME or not name.isprintable():
        raise InvalidInput(_("An experiment's name has 1 to %(most)d printable characters.") % {"most": NAME})
    return name
