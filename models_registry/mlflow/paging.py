"""Orders and pages as MLflow's client asks for them: a token in the answer, which it sends back for the next page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from core.keyset import BadMark, Keyset, SortKey
from models_registry.mlflow.fields import Many, Text, Whole

ORDER = Many(Text(300), most=5)
Columns = Mapping[str, tuple[str, Callable[[str], Any]]]  # a name of MLflow's -> the column, and how a mark is read


def pages(most: int, **more: Any) -> dict[str, Any]:
    """The fields of a list with pages of at most `most` rows."""
    return {"max_results": Whole(least=1, most=most), "page_token": Text(8_000), **more}


def page_of(
    rows: QuerySet[Any], *, order: Iterable[str], columns: Columns, token: str, size: int
) -> tuple[list[Any], dict[str, str]]:
    """One page of `rows` in an order such as ["name ASC"] (in the end the newest first), and the token of the next one."""
    return page_in(Keyset(list(_keys(order, columns)), name=repr(list(order))), rows, token=token, size=size)


def page_in(order: Keyset, rows: QuerySet[Any], *, token: str, size: int) -> tuple[list[Any], dict[str, str]]:
    try:
        found, more = order.page(rows, mark=token, size=size)
    except BadMark as error:
        raise InvalidInput(_("Invalid page_token: take the one that the page before gave, with the same order.")) from error
    return found, {"next_page_token": order.mark(found[-1])} if more else {}


def _keys(order: Iterable[str], columns: Columns) -> Iterator[SortKey]:
    for term in order:
        name, _space, direction = term.strip().partition(" ")
        direction = direction.strip().upper()
        if name not in columns or direction not in {"", "ASC", "DESC"}:
            raise InvalidInput(
                _("The order %(term)s cannot be read: write one of %(known)s, and ASC or DESC behind it.")
                % {"term": term[:80], "known": ", ".join(columns)}
            )
        column, read = columns[name]
        yield SortKey(F(column), direction == "DESC", read)
