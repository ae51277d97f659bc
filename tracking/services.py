"""What people do with training runs: report them, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Person, Team
from core.canonical import sha256_of
from core.clock import stamp
from core.errors import InvalidInput
from data_registry.documents import require_text
from ledger.acts import act
from tracking import rules
from tracking.events import TrainingRunRecorded
from tracking.models import MetricSeries, TrainingRun
from tracking.permissions import can_record


def record_run(
    team: Team,
    *,
    by: Person,
    name: str,
    params: Mapping[str, Any] | None = None,
    code: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    series: Sequence[Mapping[str, Any]] = (),
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> TrainingRun:
    """The run stands in the team as it was reported, with its curves, and never changes."""
    with act(by, attempt="record_run", on=team) as this:
        can_record(by, team).enforce()
        name = name.strip()
        if not 1 <= len(name) <= 200:
            raise InvalidInput(_("Give the run a name of 1 to 200 characters."))
        require_text(name, name=_("The name"))
        rules.require_period(started_at, ended_at)
        run = TrainingRun(
            team=team,
            name=name,
            params=rules.require_params(params or {}),
            code=rules.require_code(code),
            environment=rules.require_environment(environment),
            started_at=started_at,
            ended_at=ended_at,
            created_by=by,
            created_at=this.at,
        )
        curves = [MetricSeries(run=run, **one) for one in rules.require_series(series)]
        run.save(force_insert=True)
        MetricSeries.objects.bulk_create(curves)
        this.record(
            TrainingRunRecorded(
                team=str(team.pk),
                facts_digest=sha256_of(_facts(run, curves)),
                commit=run.code.get("commit", ""),
                dirty=run.code.get("dirty"),
                series=len(curves),
            ),
            on=run,
        )
    return run


def _facts(run: TrainingRun, curves: Sequence[MetricSeries]) -> dict[str, Any]:
    """Everything that was reported, in the form that is hashed."""
    return {
        "name": run.name,
        "params": run.params,
        "code": run.code,
        "environment": run.environment,
        "started_at": stamp(run.started_at) if run.started_at else None,
        "ended_at": stamp(run.ended_at) if run.ended_at else None,
        "series": [{"name": one.name, "unit": one.unit, "steps": one.steps, "values": one.values} for one in curves],
    }
