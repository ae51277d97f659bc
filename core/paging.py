"""Lists on pages, by key: the cost of a page does not grow with what lies before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from core.keyset import BadMark, Keyset


@dataclass(frozen=True, slots=True)
class KeyPage:
    """One page of rows and the addresses of its neighbours ("" where there is none)."""

    rows: list[Any]
    previous_url: str = ""
    next_url: str = ""

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


def page_by_key(request: HttpRequest, rows: QuerySet, *, key: str = "pk", newest_first: bool = True, size: int = 50) -> KeyPage:
    """The page of `rows` that `?after=` or `?before=` names, in the order of `key` (unique, such as a UUIDv7 or a log index)."""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    backwards = bool(before) and not after
    descending = newest_first != backwards
    ordered = rows.order_by(f"-{key}" if descending else key)
    if mark := after or before:
        try:
            ordered = ordered.filter(**{f"{key}__{'lt' if descending else 'gt'}": mark})
        except (ValidationError, ValueError):  # a mark that somebody typed: show the first page
            after = before = mark = ""
            backwards, ordered = False, rows.order_by(f"-{key}" if newest_first else key)
    found = list(ordered[: size + 1])
    more, found = len(found) > size, found[:size]
    if backwards:
        found.reverse()
    has_previous, has_next = (more, True) if backwards else (bool(mark), more)
    return KeyPage(
        found,
        _address(request, "before", found[0], key) if found and has_previous else "",
        _address(request, "after", found[-1], key) if found and has_next else "",
    )


def page_in_order(request: HttpRequest, rows: QuerySet, order: Keyset, *, size: int = 50) -> KeyPage:
    """The page of `rows` that `?after=` or `?before=` names, in any order that a Keyset can say."""
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    backwards = bool(before) and not after
    mark = after or before
    try:
        found, more = order.page(rows, mark=mark, backwards=backwards, size=size)
    except BadMark:  # a mark that somebody typed, or of another order: show the first page
        mark, backwards = "", False
        found, more = order.page(rows, size=size)
    has_previous, has_next = (more, True) if backwards else (bool(mark), more)
    return KeyPage(
        found,
        _leading_to(request, "before", order.mark(found[0])) if found and has_previous else "",
        _leading_to(request, "after", order.mark(found[-1])) if found and has_next else "",
    )


def _address(request: HttpRequest, word: str, row: Any, key: str) -> str:
    return _leading_to(request, word, str(row[key] if isinstance(row, dict) else getattr(row, key)))


def _leading_to(request: HttpRequest, word: str, mark: str) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    query.pop("before", None)
    query[word] = mark
    return f"?{query.urlencode()}"
