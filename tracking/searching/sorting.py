"""An order's terms to the keys by which pages of runs are cut."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import F, FilteredRelation, Q
from django.db.models.functions import Left, NullIf

from core.keyset import Keyset, SortKey, decimal, moment, number, storable
from tracking.models import TrainingRunQuerySet
from tracking.searching.expressions import COLUMNS, NAN, number_of, text_of, value_of
from tracking.searching.language.tree import Attribute, Metric, Order, Param, Shape, Tag, Term

MOST_TEXT = 100  # characters of a text that decide its place; a mark holds them
_READERS = {Shape.MOMENT: moment, Shape.SECONDS: decimal}


def sorted_by(
    order: Order, runs: TrainingRunQuerySet, *, numbers: Collection[Metric] = ()
) -> tuple[Keyset, TrainingRunQuerySet, dict[str, str]]:
    """The order as keys for pages, the runs joined with the metrics that it names, and the relations by these names; without
    terms the newest first. Of `numbers` every run has a value."""
    keys: list[SortKey] = []
    joined: dict[str, str] = {}
    for place, term in enumerate(order):
        if isinstance(term.field, Metric):
            relation = f"sorted_series_{place}"
            runs = runs.annotate(**{relation: FilteredRelation("series", condition=Q(series__name=term.field.name))})
            joined.setdefault(term.field.name, relation)
            value, sure = F(f"{relation}__{COLUMNS[term.field.part]}"), term.field in numbers
            keys.append(SortKey(value if sure else NullIf(value, NAN), term.descending, number, always=sure))
        else:
            keys.extend(_keys(term))
    return Keyset(keys, name=repr(order)), runs, joined


def _keys(term: Term) -> Iterator[SortKey]:
    """Parameters and tags: what is a number first, by its size, then texts by their letters."""
    field = term.field
    if isinstance(field, Param | Tag):
        yield SortKey(number_of(field), term.descending, decimal)
    if isinstance(field, Attribute) and field.shape in _READERS:
        yield SortKey(value_of(field), term.descending, _READERS[field.shape])
    elif isinstance(field, Attribute) and field.shape is Shape.RUN:
        yield SortKey(value_of(field), term.descending, UUID)
    else:
        yield SortKey(Left(text_of(field), MOST_TEXT), term.descending, storable)
