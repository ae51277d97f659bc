"""The chart of the checks over time: drawn by a worker after a check, outside any act, and kept beside its table."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import blobs, clock
from core.charts import ChartsFailed, Figure, draw, timeline
from models_registry.models import Version
from monitoring.models import CheckChart, ObservationBatch

log = logging.getLogger(__name__)
MOST_CHECKS = 30  # of the latest


def draw_outdated() -> int:
    """Every version whose last check is newer than its chart has a new chart; returns how many were drawn.

    A chart that cannot be drawn is logged and left as it was: the numbers count, and they stand in the page without it.
    """
    known = {(chart.version_id, chart.environment): chart.drawn_until for chart in CheckChart.objects.all()}
    checked = ObservationBatch.objects.exclude(checked_at=None).order_by().values("version", "environment")
    done = 0
    for row in checked.annotate(last=Max("checked_at")):
        if known.get((row["version"], row["environment"])) == row["last"]:
            continue
        version = Version.objects.select_related("model").get(pk=row["version"])
        try:
            _draw(version, row["environment"])
        except ChartsFailed as failure:
            log.warning("The chart of the checks of %s was not drawn: %s", version.pk, failure)
        else:
            done += 1
    return done


def _draw(version: Version, environment: str) -> None:
    found = checks_of(version, environment)
    drawn = draw([figure_of(found)])[0]
    CheckChart.objects.update_or_create(
        version=version,
        environment=environment,
        defaults={
            "title": drawn.title,
            "description": drawn.description,
            "light_digest": blobs.keep(drawn.light).digest,
            "dark_digest": blobs.keep(drawn.dark).digest,
            "table": drawn.table.as_json(),
            "drawn_until": found[-1][0],
        },
    )


def checks_of(version: Version, environment: str) -> list[tuple[Any, dict[str, Any]]]:
    """The latest checks, oldest first: when, and what was found. The batches of one check share both."""
    rows = ObservationBatch.objects.filter(version=version, environment=environment).exclude(checked_at=None)
    moments = rows.order_by("-checked_at").values_list("checked_at", flat=True).distinct()[:MOST_CHECKS]
    found = dict(rows.filter(checked_at__in=list(moments)).values_list("checked_at", "outcome"))
    return sorted(found.items(), key=lambda one: one[0])


def figure_of(found: list[tuple[Any, dict[str, Any]]]) -> Figure:
    """Each class's mean over the checks with the limits between which it stays quiet."""
    # Moments that lie close together would all carry the same label of an axis in hours and minutes.
    close = found[-1][0] - found[0][0] < timedelta(minutes=10)
    rows = [
        {
            "series": row["label"],
            "x": f"{moment:%H:%M:%S}" if close else clock.stamp(moment),
            "value": row["mean"],
            "low": row["low"],
            "high": row["high"],
            "reference": row["reference"],
            "n": outcome["n"],
        }
        for moment, outcome in found
        for row in outcome["classes"]
    ]
    last = found[-1][1]
    outside = sum(row["outside"] for row in last["classes"])
    checks = ngettext("%(n)d check", "%(n)d checks", len(found)) % {"n": len(found)}
    return timeline(
        name="checks",
        title=_("Mean probability of each class, check by check"),
        description=_(
            "Over %(checks)s; at the last one %(outside)d of %(all)d classes lay outside their limits, on %(rows)s rows."
        )
        % {"checks": checks, "outside": outside, "all": len(last["classes"]), "rows": f"{last['n']:,}"},
        rows=rows,
        x_title=_("Checked"),
        y_title=_("Mean probability"),
        series_title=_("Class"),
    )
