"""Several runs with everything in which they may differ, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from accounts.models import Person
from core.errors import InvalidInput, Missing
from tracking.comparing.code import code_sides, compare_address
from tracking.comparing.inputs import DataRow, data_rows
from tracking.comparing.measuring import MetricRow, metric_rows
from tracking.comparing.rows import Sides, sides
from tracking.comparing.surroundings import machine_sides, package_sides
from tracking.models import Artifact, MetricSeries, RunData, TrainingRun

PATCH = "code/changes.patch"  # where clients keep what was not committed
FEWEST, MOST = 2, 8  # runs side by side


@dataclass(frozen=True, slots=True)
class Comparison:
    """Each part has a value for each run, in the order of `runs`."""

    runs: tuple[TrainingRun, ...]
    params: Sides
    metrics: list[MetricRow]
    code: Sides
    commits: tuple[str, ...]  # for each run after the first: where the host lists the commits from the first one's; or ""
    data: list[DataRow]
    machine: Sides
    packages: Sides


def chosen_runs(ids: Sequence[str], *, by: Person) -> tuple[TrainingRun, ...]:
    """The runs of these ids in this order, with their series and data; refuses fewer than two, more than eight, unknown ones."""
    wanted = list(dict.fromkeys(_id(text) for text in ids))
    if not FEWEST <= len(wanted) <= MOST:
        raise InvalidInput(
            _("Choose %(fewest)d to %(most)d runs to compare; these are %(count)d.")
            % {"fewest": FEWEST, "most": MOST, "count": len(wanted)},
            field="run",
        )
    data = RunData.objects.select_related("dataset_version__dataset").defer("schema", "profile", "source")
    series = MetricSeries.objects.order_by("name")
    parts = (Prefetch("series", series), Prefetch("data", data), Prefetch("artifacts", Artifact.objects.filter(path=PATCH)))
    runs = TrainingRun.objects.visible_to(by).with_parts().prefetch_related(*parts)
    found = {run.pk: run for run in runs.filter(pk__in=wanted)}
    for pk in wanted:
        if pk not in found:
            raise Missing(_("There is no run %(id)s, or you may not see it.") % {"id": pk})
    return tuple(found[pk] for pk in wanted)


def compared(runs: Sequence[TrainingRun], *, lower: Collection[str] = (), higher: Collection[str] = ()) -> Comparison:
    """What differs between the runs. `lower`, `higher`: metrics of which the reader said which direction is better."""
    return Comparison(
        runs=tuple(runs),
        params=sides([run.params for run in runs]),
        metrics=metric_rows([{one.name: one for one in run.series.all()} for run in runs], lower=lower, higher=higher),
        code=code_sides([run.code for run in runs]),
        commits=tuple(compare_address(runs[0].code, run.code) for run in runs[1:]),
        data=data_rows([list(run.data.all()) for run in runs]),
        machine=machine_sides([run.environment for run in runs]),
        packages=package_sides([run.environment for run in runs]),
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        sentence = _("“%(id)s” is not the id of a run.") % {"id": text[:60].replace("\x00", "")}
        raise InvalidInput(sentence, field="run") from error
