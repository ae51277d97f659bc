"""Columns as the registrar declares them: a name, a type, and what personal data a column holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from data_registry.documents import require_storable
from data_registry.models import PiiFinding

MOST = 2_000
LIMIT = 512 * 1024  # bytes of canonical JSON
LONGEST = {"name": 200, "dtype": 80}  # characters
KEYS = frozenset({"name", "dtype", "category", "present"})


def require_columns(columns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The declared columns in the form that is kept; raises InvalidInput that names the first one that cannot be."""
    if not isinstance(columns, list | tuple) or len(columns) > MOST:
        raise InvalidInput(_("The columns must be a list of at most %(most)d.") % {"most": MOST})
    require_storable(list(columns), name=_("The list of columns"), limit=LIMIT)  # first: sentences below repeat what was sent
    kept = [_column(place, column) for place, column in enumerate(columns, start=1)]
    names = [column["name"] for column in kept]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInput(_("The column “%(name)s” is declared twice.") % {"name": twice})
    return kept


def _column(place: int, column: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(column, Mapping) or set(column) - KEYS or not all(isinstance(value, str) for value in column.values()):
        raise InvalidInput(
            _("Column %(place)d must be an object with a name and, if known, dtype, category and present, each a text.")
            % {"place": place}
        )
    name, dtype = column.get("name", "").strip(), column.get("dtype", "")
    category, present = column.get("category", ""), column.get("present", "")
    if not name or len(name) > LONGEST["name"] or len(dtype) > LONGEST["dtype"]:
        raise InvalidInput(_("Column %(place)d needs a name of at most 200 characters and a short type.") % {"place": place})
    if category and category not in PiiFinding.Category.values:
        raise InvalidInput(
            _("Column “%(name)s”: %(category)s is not a category of personal data; use one of: %(known)s.")
            % {"name": name, "category": category, "known": ", ".join(PiiFinding.Category.values)}
        )
    if present and (not category or present not in PiiFinding.Present.values):
        raise InvalidInput(_("Column “%(name)s”: present must be yes, no or unknown, and needs a category.") % {"name": name})
    kept = {"name": name, "dtype": dtype}
    return kept | {"category": category, "present": present or PiiFinding.Present.YES.value} if category else kept
