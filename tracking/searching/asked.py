"""What somebody asks the list of runs for, from its address; and the addresses that ask for something else."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from tracking.comparing.measuring import Direction, guessed
from tracking.models import Experiment
from tracking.searching.finding import Search, UnreadableSearch, read_filter, read_order
from tracking.searching.language.tree import Attribute, Field, Metric, Shape, Term
from tracking.searching.language.writing import order_text


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text could not be read, and the text cut where it is wrong."""

    sentence: str
    before: str
    wrong: str
    after: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The texts as they were typed, and what they mean; `refused` holds the fields that mean nothing."""

    filter: str
    order: str
    experiment: str
    metrics: list[str]
    params: list[str]
    search: Search
    refused: dict[str, Refusal]

    @property
    def narrows(self) -> bool:
        return bool(self.filter.strip() or self.experiment)


def asked_by(query: QueryDict) -> Asked:
    """What the address says; nothing in it fails."""
    texts = {name: query.get(name, "") for name in ("filter", "order")}
    refused: dict[str, Refusal] = {}
    search = Search(None, ())
    try:
        search = Search(read_filter(texts["filter"]), search.order)
    except UnreadableSearch as refusal:
        refused["filter"] = _cut(texts["filter"], refusal)
    try:
        search = Search(search.filter, read_order(texts["order"]))
    except UnreadableSearch as refusal:
        refused["order"] = _cut(texts["order"], refusal)
    columns = [[name for name in query.getlist(word) if name and "\x00" not in name] for word in ("metric", "param")]
    return Asked(
        **texts, experiment=query.get("experiment", ""), metrics=columns[0], params=columns[1], search=search, refused=refused
    )


def _cut(text: str, refusal: UnreadableSearch) -> Refusal:
    start, end = int(str(refusal.facts["start"])), int(str(refusal.facts["end"]))
    return Refusal(str(refusal), text[:start], text[start:end], text[end:])


def experiment_in(asked: Asked, listed: Sequence[Experiment], visible: QuerySet[Experiment]) -> Experiment | None:
    """The chosen experiment: one of those listed, or else of those visible; refuses one that the person does not see."""
    if not asked.experiment:
        return None
    found = None
    with contextlib.suppress(ValueError):  # an id of another form names none
        pk = UUID(asked.experiment)
        found = next((one for one in listed if one.pk == pk), None) or visible.filter(pk=pk).first()
    if found is None:
        raise InvalidInput(_("There is no such experiment, or you may not see it. Choose one from the list."))
    return found


@dataclass(frozen=True, slots=True)
class Header:
    """A column's title; its link sorts by it, then the other way round."""

    label: str
    href: str
    direction: str  # ascending, descending or ""
    numeric: bool = False


def header(request: HttpRequest, asked: Asked, field: Field, label: str) -> Header:
    """The link to the same list in the order of this column, everything else in the address kept."""
    first = asked.search.order[0] if asked.search.order else None
    now = first if first is not None and first.field == field else None
    descending = not now.descending if now else _best_first(field)
    query = request.GET.copy()
    for word in ("after", "before"):
        query.pop(word, None)
    query["order"] = order_text(Term(field, descending))
    direction = "" if now is None else "descending" if now.descending else "ascending"
    return Header(label, f"?{query.urlencode()}", direction, numeric=field.shape in (Shape.NUMBER, Shape.LOOSE, Shape.SECONDS))


def _best_first(field: Field) -> bool:
    """Whether the first click sorts downwards: metrics of which more is better, and the newest."""
    if isinstance(field, Metric):
        return guessed(field.name) is not Direction.LOWER
    return isinstance(field, Attribute) and field.shape in (Shape.MOMENT, Shape.SECONDS)
