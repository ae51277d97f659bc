"""Runs come into being, whole or at their start, and end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from data_registry.documents import require_text
from ledger.acts import act
from tracking import events, lifecycle, rules
from tracking.curve_rules import Curve, require_points, require_series
from tracking.models import TrainingRun
from tracking.permissions import can_record
from tracking.services.experiments import experiment_of
from tracking.services.fixing import facts_digest
from tracking.services.growing import add_points, open_run, take

if TYPE_CHECKING:
    from accounts.models import Person, Team
    from tracking.models import Experiment


def record_run(
    team: Team,
    *,
    by: Person,
    name: str,
    experiment: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    code: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    series: Sequence[Mapping[str, Any]] = (),
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> TrainingRun:
    """The run stands in the team as it was reported, finished, with its curves, and never changes."""
    with act(by, attempt="record_run", on=team) as this:
        can_record(by, team).enforce()
        rules.require_period(started_at, ended_at)
        run = TrainingRun(
            team=team,
            name=_checked_name(name),
            state=TrainingRun.State.FINISHED,
            started_at=started_at,
            ended_at=ended_at,
            created_by=by,
            created_at=this.at,
        )
        take(run, params=params, tags=tags, code=code, environment=environment, training=training)
        curves = require_series(series)
        _insert(run, experiment_of(team, name=experiment, by=by, within=this), curves)
        fact = events.TrainingRunRecorded(
            team=str(team.pk),
            facts_digest=facts_digest(run),
            commit=run.code.get("commit", ""),
            dirty=run.code.get("dirty"),
            series=len(curves),
        )
        this.record(fact, on=run)
        TrainingRun.objects.filter(pk=run.pk).update(fixed_at=this.at)
        run.fixed_at = this.at
    return run


def start_run(
    team: Team,
    *,
    by: Person,
    name: str = "",
    experiment: str | Experiment = "",
    parent: TrainingRun | None = None,
    origin: str = TrainingRun.Origin.SDK,
    source: str = "",
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    code: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    series: Sequence[Mapping[str, Any]] = (),
    started_at: datetime | None = None,
) -> TrainingRun:
    """The team has a running run that can be logged to. One that came from the same `source` before is returned as it is."""
    curves = require_points(series)
    with act(by, attempt="start_run", on=team) as this:
        can_record(by, team).enforce()
        if source and (known := TrainingRun.objects.filter(team=team, origin=origin, source=_checked_source(source)).first()):
            return known
        if parent is not None and parent.team_id != team.pk:
            raise InvalidInput(_("The parent of a run must be a run of the same team."), code="other_team")
        home = experiment_of(team, name=experiment, by=by, within=this) if isinstance(experiment, str) else experiment
        run = TrainingRun(
            team=team,
            name=_checked_name(name or _("Run of %(day)s") % {"day": this.at.strftime("%Y-%m-%d %H:%M")}),
            parent=parent,
            origin=origin,
            source=source,
            started_at=started_at or this.at,
            heard_at=this.at,
            created_by=by,
            created_at=this.at,
        )
        take(run, params=params, tags=tags, code=code, environment=environment, training=training)
        try:
            with transaction.atomic():
                _insert(run, home, curves)
        except IntegrityError:  # the same source at the same moment
            return TrainingRun.objects.get(team=team, origin=origin, source=source)
        this.record(events.TrainingRunStarted(team=str(team.pk), experiment=str(home.pk), origin=origin), on=run)
    return run


def end_run(
    run: TrainingRun, *, by: Person, state: str, ended_at: datetime | None = None, training: Mapping[str, Any] | None = None
) -> TrainingRun:
    """The run ended like this; said again with the same state, only what is new is taken."""
    with act(by, attempt="end_run", on=run) as this:
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        if state not in lifecycle.ENDED:
            raise InvalidInput(_("A run ends as finished, failed or killed."), code="state")
        ended_at = ended_at or this.at
        rules.require_period(run.started_at, ended_at)
        if training:
            take(run, params=None, tags=None, code=None, environment=None, training=training)
        run.heard_at = this.at
        run.save(update_fields=["training", "heard_at"])
        if run.state == state:
            TrainingRun.objects.filter(pk=run.pk).update(ended_at=ended_at)
            run.ended_at = ended_at
        else:
            lifecycle.end(run, state, at=ended_at, within=this)
    return run


def reopen_run(run: TrainingRun, *, by: Person) -> TrainingRun:
    """The run is running again; nothing happens where it is."""
    with act(by, attempt="reopen_run", on=run) as this:
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        if run.state != TrainingRun.State.RUNNING:
            lifecycle.reopen(run, within=this)
    return run


def rename_run(run: TrainingRun, *, by: Person, name: str) -> TrainingRun:
    """The run has another name."""
    with act(by, attempt="log_run", on=run):
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        run.name = _checked_name(name)
        run.save(update_fields=["name"])
    return run


def hide_run(run: TrainingRun, *, by: Person) -> None:
    """It no longer stands in the lists; nothing of it is deleted. A run on which a version stands cannot be hidden."""
    with act(by, attempt="hide_run", on=run) as this:
        can_record(by, run.team).enforce()
        held = TrainingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)  # a submission may be about to fix it
        if held.fixed_at:
            raise WrongState(_("This run is fixed, because a version stands on it: it cannot be hidden."), code="run_fixed")
        if TrainingRun.objects.filter(pk=run.pk, hidden_at=None).update(hidden_at=this.at):
            this.record(events.TrainingRunHidden(), on=run)
            run.hidden_at = this.at


def show_run(run: TrainingRun, *, by: Person) -> None:
    """It stands in the lists again."""
    with act(by, attempt="show_run", on=run) as this:
        can_record(by, run.team).enforce()
        if TrainingRun.objects.filter(pk=run.pk, hidden_at__isnull=False).update(hidden_at=None):
            this.record(events.TrainingRunShown(), on=run)
            run.hidden_at = None


def _insert(run: TrainingRun, experiment: Experiment, curves: Sequence[Curve]) -> None:
    run.experiment = experiment
    run.save(force_insert=True)
    add_points(run, curves)


def _checked_name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise InvalidInput(_("Give the run a name of 1 to 200 characters."))
    require_text(name, name=_("The name"))
    return name


def _checked_source(source: str) -> str:
    require_text(source, name=_("The source"))
    if len(source) > 250 or not source.isprintable():
        raise InvalidInput(_("The source is a text of at most 250 printable characters."))
    return source
