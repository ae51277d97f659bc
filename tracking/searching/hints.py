"""Why nothing was found: names in a filter that no visible run has reported, and those that were probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tracking.models import MetricSeries, TrainingRun
from tracking.searching.language.tree import Filter, Metric, Param, Tag
from tracking.searching.listing import fields_in

MOST_FIELDS = 5
RECENT = 200  # runs whose names are offered


def hints_for(tree: Filter | None, runs: QuerySet[TrainingRun]) -> list[str]:
    """A sentence for each metric, parameter or tag of the filter that none of `runs` has."""
    if tree is None:
        return []
    found = []
    for field in list(dict.fromkeys(field for field in fields_in(tree) if isinstance(field, Metric | Param | Tag)))[:MOST_FIELDS]:
        if not _reported(field, runs):
            near = difflib.get_close_matches(field.name[:100], _known(field, runs), n=1)
            sentence = _NONE[type(field)]() % {"name": field.name[:100]}
            found.append(f"{sentence} {_('Did you mean %(near)s?') % {'near': near[0]}}" if near else sentence)
    return found


_NONE = {
    Metric: lambda: _("No run here has a metric “%(name)s”."),
    Param: lambda: _("No run here has a parameter “%(name)s”."),
    Tag: lambda: _("No run here has a tag “%(name)s”."),
}


def _reported(field: Metric | Param | Tag, runs: QuerySet[TrainingRun]) -> bool:
    if isinstance(field, Metric):
        return runs.filter(series__name=field.name).exists()
    return runs.filter(**{f"{'params' if isinstance(field, Param) else 'tags'}__has_key": field.name}).exists()


def _known(field: Metric | Param | Tag, runs: QuerySet[TrainingRun]) -> Iterable[str]:
    recent = runs.order_by("-pk")[:RECENT]
    if isinstance(field, Metric):
        return set(MetricSeries.objects.filter(run__in=list(recent.values_list("pk", flat=True))).values_list("name", flat=True))
    column = "params" if isinstance(field, Param) else "tags"
    return {name for names in recent.values_list(column, flat=True) for name in names}
