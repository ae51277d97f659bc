"""JSON that people send and we keep as it is: bounded, storable, canonical. Anything else is refused with a sentence."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core.canonical import canonical_bytes
from core.errors import InvalidInput

DEPTH = 12


def require_storable(value: Any, *, name: str, limit: int) -> None:
    """`value` has a canonical form of at most `limit` bytes, and PostgreSQL can hold every string of it."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > DEPTH:
            raise InvalidInput(_("%(name)s is nested more than %(depth)d levels deep.") % {"name": name, "depth": DEPTH})
        if isinstance(item, dict):
            waiting.extend((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list):
            waiting.extend((part, depth + 1) for part in item)
        elif isinstance(item, str):
            require_text(item, name=name)
    if (size := len(canonical_bytes(value))) > limit:
        raise InvalidInput(
            _("%(name)s takes %(size)d bytes; at most %(limit)d are kept.") % {"name": name, "size": size, "limit": limit},
            code="too_large",
        )


def require_text(text: str, *, name: str) -> None:
    """Refuse what PostgreSQL and UTF-8 cannot hold: the NUL character and half of a surrogate pair."""
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise InvalidInput(_("%(name)s holds a character that cannot be stored (NUL or a lone surrogate).") % {"name": name})
