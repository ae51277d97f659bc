"""A run on which a version stands is fixed, and one digest names all of it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import Any

from django.utils.translation import gettext as _

from core.canonical import sha256_of
from core.clock import stamp
from core.errors import WrongState
from ledger.acts import Act
from ledger.models import Entry
from tracking.events import TrainingRunFixed, TrainingRunRecorded
from tracking.models import MetricChunk, TrainingRun


def fix_run(run: TrainingRun, *, within: Act) -> None:
    """Nothing of the run can be changed any more, and its digest is recorded; nothing happens where it was fixed before."""
    locked = TrainingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if locked.fixed_at:
        return
    if locked.hidden_at:  # it could never be shown again
        raise WrongState(_("The run is hidden: show it again, then submit the version that stands on it."), code="run_hidden")
    within.record(TrainingRunFixed(facts_digest=facts_digest(locked)), on=locked)
    TrainingRun.objects.filter(pk=run.pk).update(fixed_at=within.at)
    run.fixed_at = within.at


def fixed_digest(run: TrainingRun) -> str:
    """The digest of everything of the run, as the log recorded it when the run was fixed; "" while it is open."""
    if run.fixed_at is None:
        return ""
    fixed = Entry.objects.about(run).filter(type__in=(TrainingRunRecorded.event_type, TrainingRunFixed.event_type)).first()
    return str(fixed.data["facts_digest"]) if fixed else facts_digest(run)  # an act writes its events at its end


def facts_digest(run: TrainingRun) -> str:
    """The digest of everything that was reported, curves, artifacts and data included."""
    return sha256_of(
        {
            "name": run.name,
            "state": run.state,
            "params": run.params,
            "tags": run.tags,
            "code": run.code,
            "environment": run.environment,
            "training": run.training,
            "started_at": stamp(run.started_at) if run.started_at else None,
            "ended_at": stamp(run.ended_at) if run.ended_at else None,
            "series": [{"name": one.name, "unit": one.unit, "points": points} for one, points in _curves(run)],
            "artifacts": [[one.path, one.digest, one.size] for one in run.artifacts.order_by("path")],
            "data": [
                [one.context, one.name, one.digest, one.source_type, one.source]
                for one in run.data.order_by("context", "name", "digest")
            ],
        }
    )


def _curves(run: TrainingRun) -> list[tuple[Any, str]]:
    """Each series with the digest of its points: steps, values and times as they are packed, one after another."""
    hashers: dict[Any, list[Any]] = defaultdict(lambda: [hashlib.sha256() for _part in range(3)])
    for chunk in MetricChunk.objects.filter(run=run).order_by("series_id", "place").iterator(chunk_size=100):
        for hasher, part in zip(hashers[chunk.series_id], (chunk.steps, chunk.values, chunk.times), strict=True):
            hasher.update(part)
    return [
        (one, "sha256:" + hashlib.sha256(b"".join(hasher.digest() for hasher in hashers[one.pk])).hexdigest())
        for one in run.series.order_by("name")
    ]
