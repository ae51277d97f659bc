"""Runs by filter and order, as page, API, command line and MLflow's clients ask for them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from core.keyset import Keyset
from tracking.models import TrainingRunQuerySet
from tracking.searching.compiling import condition, surely_numbers
from tracking.searching.language import Misread, parse_filter, parse_order
from tracking.searching.language.tree import Filter, Order
from tracking.searching.sorting import sorted_by


class UnreadableSearch(InvalidInput):
    """A filter or an order that cannot be read; `field` says which, `start` and `end` which of its characters."""

    code = "unreadable_search"

    def __init__(self, field: str, misread: Misread) -> None:
        sentence = _(misread.sentence) % misread.facts
        place = _("At character %(place)d: %(sentence)s") % {"place": misread.start + 1, "sentence": sentence}
        super().__init__(place, field=field, start=misread.start, end=misread.end)


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody asks for, read and found sound."""

    filter: Filter | None
    order: Order

    def among(self, runs: TrainingRunQuerySet) -> tuple[TrainingRunQuerySet, Keyset]:
        """Those of `runs` that fulfil the filter, and the order in which they come in pages."""
        keyset, runs, joined = sorted_by(self.order, runs, numbers=surely_numbers(self.filter))
        if self.filter is not None:
            runs = runs.filter(condition(self.filter, joined))
        return runs, keyset


def search_of(filter: str = "", order: str = "") -> Search:
    """The search that the two texts say; blank: every run, the newest first."""
    return Search(read_filter(filter), read_order(order))


def read_filter(text: str) -> Filter | None:
    try:
        return parse_filter(text)
    except Misread as misread:
        raise UnreadableSearch("filter", misread) from misread


def read_order(text: str) -> Order:
    try:
        return parse_order(text)
    except Misread as misread:
        raise UnreadableSearch("order", misread) from misread
