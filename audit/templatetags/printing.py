"""`{% load printing %}`: how the printed report writes moments, sizes, digests and states. Plain text: pages have no scripts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.components import formatting
from core.components.vocabulary import look_of

register = template.Library()


@register.filter
def utc(stamp: str | None) -> str:
    """`20 Nov 2026, 10:21:07 UTC`: reports are read in other zones than the one they were made in."""
    return f"{formatting.day(_moment(stamp).date())}, {_moment(stamp):%H:%M:%S} UTC" if stamp else "–"


@register.filter
def at_utc(stamp: str | None) -> str:
    """As `utc`, under a heading that names the zone."""
    return f"{formatting.day(_moment(stamp).date())}, {_moment(stamp):%H:%M:%S}" if stamp else "–"


@register.filter
def utc_offset(stamp: str | None) -> str:
    """`2026-11-20 10:21:07 +00:00`: beside a signature, so that nobody has to guess the zone."""
    return f"{_moment(stamp):%Y-%m-%d %H:%M:%S} +00:00" if stamp else "–"


@register.filter
def utc_day(stamp: str | None) -> str:
    return formatting.day(_moment(stamp).date()) if stamp else "–"


@register.filter
def day(recorded: str | None) -> str:
    """`2026-12-30` as `30 Dec 2026`."""
    return formatting.day(date.fromisoformat(recorded)) if recorded else "–"


def _moment(stamp: str | None) -> datetime:
    return datetime.fromisoformat(stamp or "").astimezone(UTC)


@register.filter
def bytes_in_words(size: Any) -> str:
    return formatting.size(int(size)) if size not in (None, "") else "–"


@register.filter
def short(digest: str) -> str:
    return formatting.short_digest(digest) if digest else "–"


@register.filter
def per_cent(share: float) -> str:
    """0.95 as `95 %`."""
    return f"{share * 100:g} %"


@register.filter
def words(name: str) -> str:
    """`data_protection_officer` as people write it."""
    return str(name).replace("_", " ")


@register.filter
def at(things: dict[str, Any], name: str) -> Any:
    """The thing of that name, or nothing."""
    return things.get(name, "")


@register.filter
def cells(row: Any) -> list[Any]:
    """The cells of a row that is a list, or an object whose values are the cells."""
    return list(row.values()) if isinstance(row, dict) else list(row)


@register.simple_tag
def pill(axis: str, state: str, text: str = "") -> SafeString:
    """A state with its word and its tone; the word alone says it too."""
    look = look_of(axis, state)
    return format_html('<span class="pill {}">{}</span>', look.tone, text or look.word)
