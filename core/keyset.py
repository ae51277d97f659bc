"""Pages in any order: a mark holds the order's values of the row at a page's edge and its key, so that the cost of a page does
not grow with what lies before it, and no row is shown twice or left out while others come in.

What has no value (NULL) stands last in both directions, and rows that are alike in every value follow their key, newest first.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from core.canonical import sha256_of

MOST_MARK = 8_000  # characters


class BadMark(ValueError):
    """A mark that was not made here, or for another order."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One value by which rows are ordered; `read` makes it of its text in a mark and raises ValueError for any other.

    Where every row is known to have one (`always`), no word about NULL keeps PostgreSQL from walking an index in this order.
    """

    expression: Any
    descending: bool
    read: Callable[[str], Any]
    always: bool = False


def number(text: str) -> float:
    value = float(text)
    if math.isnan(value):
        raise ValueError(text)
    return value


def decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError as error:
        raise ValueError(text) from error
    if not value.is_finite():
        raise ValueError(text)
    return value


def storable(text: str) -> str:
    text.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    if "\x00" in text:
        raise ValueError(text)
    return text


def moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError(text)
    return value


class Keyset:
    """An order of rows with a unique key (a UUID) as its last word; `name` tells it from other orders."""

    def __init__(self, keys: Sequence[SortKey], *, name: str) -> None:
        self._keys = tuple(keys)
        self._fingerprint = sha256_of([name])[7:15]

    def page(self, rows: QuerySet, *, mark: str = "", backwards: bool = False, size: int) -> tuple[list[Any], bool]:
        """At most `size` rows after (`backwards`: before) the mark, in order, and whether more follow in that direction."""
        named = rows.annotate(**{self._alias(place): key.expression for place, key in enumerate(self._keys)})
        if mark:
            named = named.filter(self._beyond(mark, backwards=backwards))
        found = list(named.order_by(*self._order(backwards=backwards))[: size + 1])
        more, found = len(found) > size, found[:size]
        return (found[::-1] if backwards else found), more

    def mark(self, row: Any) -> str:
        """Names the place of a row that a page of this order gave."""
        values = [_written(getattr(row, self._alias(place))) for place in range(len(self._keys))]
        text = json.dumps([self._fingerprint, *values, str(row.pk)], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def _read(self, mark: str) -> tuple[list[Any], UUID]:
        try:
            if len(mark) > MOST_MARK:
                raise ValueError("too long")
            held = json.loads(base64.b64decode(mark + -len(mark) % 4 * "=", altchars=b"-_", validate=True))
            if not isinstance(held, list) or len(held) != len(self._keys) + 2 or held[0] != self._fingerprint:
                raise ValueError("of another order")
            if not all(value is None or isinstance(value, str) for value in held) or held[-1] is None:
                raise ValueError("of another form")
            values = [None if text is None else key.read(text) for key, text in zip(self._keys, held[1:-1], strict=True)]
            return values, UUID(held[-1])
        except (ValueError, RecursionError, OverflowError) as error:
            raise BadMark(mark) from error

    def _beyond(self, mark: str, *, backwards: bool) -> Q:
        """The rows behind the mark: alike in the first values, and behind it in the next."""
        values, last = self._read(mark)
        found, alike = Q(pk__gt=last) if backwards else Q(pk__lt=last), []
        for place, (key, value) in enumerate(zip(self._keys, values, strict=True)):
            alias = self._alias(place)
            ascending = key.descending == backwards
            if value is None:
                beyond = Q(**{f"{alias}__isnull": False}) if backwards else None
                equal = Q(**{f"{alias}__isnull": True})
            else:
                beyond = Q(**{f"{alias}__{'gt' if ascending else 'lt'}": value})
                if not backwards and not key.always:
                    beyond |= Q(**{f"{alias}__isnull": True})
                equal = Q(**{alias: value})
            alike.append((beyond, equal))
        for beyond, equal in reversed(alike):
            found = (equal & found) | beyond if beyond is not None else equal & found
        return found

    def _order(self, *, backwards: bool) -> list[Any]:
        order: list[Any] = []
        for place, key in enumerate(self._keys):
            name = F(self._alias(place))
            descending = key.descending != backwards
            end = {} if key.always else {"nulls_first": True} if backwards else {"nulls_last": True}
            order.append(name.desc(**end) if descending else name.asc(**end))
        return [*order, "pk" if backwards else "-pk"]

    @staticmethod
    def _alias(place: int) -> str:
        return f"sorted_by_{place}"


def _written(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, datetime) else str(value)
