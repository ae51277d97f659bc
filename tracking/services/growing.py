"""An open run takes what its client logs: parameters, tags, facts, data and points of its curves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from data_registry.models import DatasetVersion
from ledger.acts import act
from tracking import rules
from tracking.curve_rules import MOST_POINTS, MOST_SERIES, Curve, require_points
from tracking.models import MetricChunk, MetricSeries, RunData, TrainingRun
from tracking.permissions import can_record
from tracking.points import Points

if TYPE_CHECKING:
    from accounts.models import Person

_MD5 = re.compile(r"(?:md5:)?[0-9a-f]{32}")  # as DVC names a file; md5: is written by the SDK, without it by others
SMALL, LARGE = 1_024, 65_536  # points: a chunk is added to until it has the one, and never holds more than the other
WRITERS = 64  # programs that report one run


def log(
    run: TrainingRun,
    *,
    by: Person,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    series: Sequence[Mapping[str, Any]] = (),
    data: Sequence[Mapping[str, str]] = (),
    code: Mapping[str, Any] | None = None,
    environment: Mapping[str, Any] | None = None,
    training: Mapping[str, Any] | None = None,
    batch: Mapping[str, Any] | None = None,
    once: bool = False,
) -> TrainingRun:
    """The run holds what was logged, too, and was heard now. A parameter keeps its first value; tags and facts take the last.

    `batch` is {"writer": id, "number": n}: one whose number is not above the last one heard of its writer is taken for a
    repetition, acknowledged and left out. With nothing at all it is a sign of life. With `once`, points that a curve has
    already (step, time and value) are left out: clients of MLflow count on that when they send some again.
    """
    curves, wanted = require_points(series), rules.require_data(data)
    with act(by, attempt="log_run", on=run) as this:
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        run.heard_at = this.at
        if batch is not None and not _is_new(run, batch):
            run.save(update_fields=["heard_at"])
            return run
        take(run, params=params, tags=tags, code=code, environment=environment, training=training)
        run.save(update_fields=["heard_at", "heard", "params", "tags", "code", "environment", "training"])
        add_points(run, curves, once=once)
        add_data(run, wanted)
    return run


def remove_tag(run: TrainingRun, *, by: Person, name: str) -> TrainingRun:
    """The run no longer has the tag; refused where it had none of this name."""
    with act(by, attempt="log_run", on=run):
        can_record(by, run.team).enforce()
        run = open_run(run, by=by)
        if run.tags.pop(name, None) is None:
            raise InvalidInput(_("The run has no tag “%(name)s”.") % {"name": name[:80]}, code="unknown_tag")
        run.save(update_fields=["tags"])
    return run


def open_run(run: TrainingRun, *, by: Person) -> TrainingRun:
    """The run's row, locked, with `by` among those who reported to it; refused where it is fixed."""
    run = TrainingRun.objects.select_for_update(of=("self",)).select_related("team", "experiment").get(pk=run.pk)
    if run.fixed_at:
        raise WrongState(
            _("This run is fixed, because a version stands on it: nothing can be added. Report a new run."), code="run_fixed"
        )
    if run.hidden_at:
        raise WrongState(_("This run is hidden: show it again before anything is added to it."), code="run_hidden")
    if str(by.pk) not in run.reporters:
        run.reporters = [*run.reporters, str(by.pk)]
        run.save(update_fields=["reporters"])
    return run


def take(
    run: TrainingRun,
    *,
    params: Mapping[str, Any] | None,
    tags: Mapping[str, str] | None,
    code: Mapping[str, Any] | None,
    environment: Mapping[str, Any] | None,
    training: Mapping[str, Any] | None,
) -> None:
    """Put the facts on the (unsaved) row."""
    if params:
        rules.require_params(params)
        for name, value in params.items():
            if name in run.params and run.params[name] != value:
                raise WrongState(
                    _("The parameter “%(name)s” is already %(old)s; it keeps its value. Start a new run for another one.")
                    % {"name": str(name)[:80], "old": str(run.params[name])[:80]},
                    code="param_set",
                )
        run.params = rules.require_params({**run.params, **params})
    if tags:
        run.tags = rules.require_tags({**run.tags, **tags})
    if code:
        run.code = rules.require_code({**run.code, **code})
    if environment:
        run.environment = rules.require_environment({**run.environment, **environment})
    if training:
        run.training = rules.require_training({**run.training, **training})


def add_data(run: TrainingRun, wanted: Sequence[Mapping[str, str]]) -> None:
    """The run names these data, with the registered version whose content has the same digest, or lies in the DVC remote under
    the same md5, where its team has one; of several the newest."""
    if not wanted:
        return
    digests = {one["digest"] for one in wanted}
    md5s = {digest.removeprefix("md5:") for digest in digests if _MD5.fullmatch(digest)}
    same = Q(digest__in={digest for digest in digests if digest.startswith("sha256:")})
    if md5s:
        same |= Q(location__kind="dvc", location__md5__in=md5s)
    known: dict[str, DatasetVersion] = {}
    for version in DatasetVersion.objects.filter(same, dataset__team=run.team_id, state="registered").order_by("pk"):
        known[version.digest] = version
        if version.location.get("kind") == "dvc":
            known[f"md5:{version.location['md5']}"] = known[version.location["md5"]] = version
    RunData.objects.bulk_create(
        [RunData(run=run, dataset_version=known.get(one["digest"]), **one) for one in wanted], ignore_conflicts=True
    )


def add_points(run: TrainingRun, curves: Sequence[Curve], *, once: bool = False) -> None:
    """The run's curves have these points, too, and their figures are true again. A constant number of queries; with `once`
    one more for each curve that is given points from before its end."""
    if not curves:
        return
    grown = _joined(curves)
    have = {one.name: one for one in MetricSeries.objects.filter(run=run, name__in=grown)}
    if once:
        grown = {name: curve for name, given in grown.items() if len((curve := _unknown(have.get(name), given)).points)}
        have = {name: one for name, one in have.items() if name in grown}
    new = [MetricSeries(run=run, name=name, unit=curve.unit) for name, curve in grown.items() if name not in have]
    _require_room(run, curves=len(new), points=sum(len(curve.points) for curve in grown.values()))
    chunks, ends = [], _ends(list(have.values()))
    for series in [*have.values(), *new]:
        points = grown[series.name].points
        _count_in(series, points)
        chunks += _chunks(series, points, ends.get(series.pk))
    # A row that is there is inserted "on conflict", which costs a tenth of the CASE that `bulk_update` makes of a hundred curves.
    MetricSeries.objects.bulk_create([*have.values(), *new], update_conflicts=True, unique_fields=["id"], update_fields=FIGURES)
    MetricChunk.objects.bulk_create([one for one in chunks if one.pk is None])
    grown_chunks = [one for one in chunks if one.pk is not None]
    MetricChunk.objects.bulk_create(grown_chunks, update_conflicts=True, unique_fields=["id"], update_fields=CONTENT)


def _require_room(run: TrainingRun, *, curves: int, points: int) -> None:
    """Refuses what would make the run larger than any page or report could read."""
    held = MetricSeries.objects.filter(run=run).aggregate(curves=Count("pk"), points=Sum("count", default=0))
    if held["curves"] + curves > MOST_SERIES:
        raise InvalidInput(_("A run has at most %(most)d curves.") % {"most": MOST_SERIES})
    if held["points"] + points > MOST_POINTS:
        raise InvalidInput(
            _("A run holds at most %(most)s points, and this one has %(held)s. Log less often, or start another run.")
            % {"most": f"{MOST_POINTS:,}", "held": f"{held['points']:,}"},
            code="run_full",
        )


FIGURES = [
    *("unit", "count", "not_finite", "last_step", "last_value", "last_at"),
    *("lowest_step", "lowest_value", "highest_step", "highest_value"),
]


CONTENT = ["count", "steps", "values", "times"]


def _is_new(run: TrainingRun, batch: Mapping[str, Any]) -> bool:
    writer, number = batch.get("writer"), batch.get("number")
    if not isinstance(writer, str) or not 1 <= len(writer) <= 40 or not writer.isprintable() or type(number) is not int:
        raise InvalidInput(_("A batch is written as {writer: text of at most 40 characters, number: whole number}."))
    if number <= run.heard.get(writer, -1):
        return False
    run.heard = {**run.heard, writer: number}
    if len(run.heard) > WRITERS:
        raise InvalidInput(_("At most %(most)d programs can report one run.") % {"most": WRITERS})
    return True


def _joined(curves: Sequence[Curve]) -> dict[str, Curve]:
    """One curve for each name, in the order in which they came."""
    parts: dict[str, list[Curve]] = {}
    for curve in curves:
        parts.setdefault(curve.name, []).append(curve)
    return {name: Curve(name, some[-1].unit, Points.joined([one.points for one in some])) for name, some in parts.items()}


def _unknown(series: MetricSeries | None, curve: Curve) -> Curve:
    """The curve without the points that the series has already."""
    points = curve.points
    if series is None:
        return curve
    last = (series.last_step, series.last_at)
    if all(place > last for place in zip(points.steps.tolist(), points.times.tolist(), strict=True)):
        return curve
    known = set(_rows(series.points()))
    new = [place for place, row in enumerate(_rows(points)) if row not in known]
    return Curve(curve.name, curve.unit, Points(points.steps[new], points.values[new], points.times[new]))


def _rows(points: Points) -> list[tuple[int, int, int]]:
    """Step, time and the bits of the value, by which NaN is equal to itself."""
    return list(zip(points.steps.tolist(), points.times.tolist(), points.values.view(np.int64).tolist(), strict=True))


def _ends(series: Sequence[MetricSeries]) -> dict[Any, MetricChunk]:
    """The last chunk of each series."""
    last = MetricChunk.objects.filter(series__in=series).order_by("series_id", "-place").distinct("series_id")
    return {chunk.series_id: chunk for chunk in last}


def _chunks(series: MetricSeries, points: Points, end: MetricChunk | None) -> list[MetricChunk]:
    """The chunks to save: the last one where it has room, and new ones."""
    made, place = [], 0
    if end is not None:
        place = end.place + 1
        if end.count + len(points) <= SMALL:
            points, place = Points.joined([end.points(), points]), end.place
            end.count, (end.steps, end.values, end.times) = len(points), points.packed()
            return [end]
    for start in range(0, len(points), LARGE):
        part = points[start : start + LARGE]
        steps, values, times = part.packed()
        made.append(
            MetricChunk(
                series=series, run_id=series.run_id, place=place, count=len(part), steps=steps, values=values, times=times
            )
        )
        place += 1
    return made


def _count_in(series: MetricSeries, points: Points) -> None:
    """The series' figures with these points among them."""
    finite = np.isfinite(points.values)
    lowest, highest = (
        (choose(np.where(finite, points.values, worst)) if finite.any() else None)
        for choose, worst in ((np.argmin, np.inf), (np.argmax, -np.inf))
    )
    if lowest is not None and (series.lowest_value is None or points.values[lowest] < series.lowest_value):
        series.lowest_step, series.lowest_value = int(points.steps[lowest]), float(points.values[lowest])
    if highest is not None and (series.highest_value is None or points.values[highest] > series.highest_value):
        series.highest_step, series.highest_value = int(points.steps[highest]), float(points.values[highest])
    last = np.lexsort((np.arange(len(points)), points.times, points.steps))[-1]
    if series.count == 0 or (int(points.steps[last]), int(points.times[last])) >= (series.last_step, series.last_at):
        series.last_step, series.last_at = int(points.steps[last]), int(points.times[last])
        series.last_value = float(points.values[last])
    series.count += len(points)
    series.not_finite += int(len(points) - finite.sum())
