"""Small things in a line of text: badge, moment, digest, person, figure."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, linebreaks
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from core.clock import now
from core.components import formatting
from core.components.vocabulary import look_of


def _inline(name: str, context: dict[str, Any]) -> SafeString:
    """A component's file without the line break at its end, which would become a space before a comma."""
    return mark_safe(render_to_string(f"components/{name}.html", context).strip())  # noqa: S308 - escaped by the template


@lru_cache(maxsize=256)
def icon(name: str, size: int = 16) -> SafeString:
    """A lucide icon, hidden from screen readers: the word beside it says the same."""
    return mark_safe(lucide(name, size=size, aria_hidden="true", **{"class": "icon"}))  # noqa: S308 - the package's own SVG


def badge(axis: str, state: object, detail: object = "") -> SafeString:
    """A state on one axis of the vocabulary: icon, word and tone; `detail` is appended to the word."""
    return _inline("badge", {"look": look_of(axis, state), "detail": detail})


def when(moment: datetime | date | None, style: str = "moment") -> SafeString:
    """A moment in the reader's zone. Styles: moment, exact (with seconds), date, ago (relative, the moment as title)."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', _("not yet"))
    if not isinstance(moment, datetime):
        return _inline("when", {"iso": moment.isoformat(), "text": formatting.day(moment), "title": ""})
    text = formatting.moment(moment, seconds=style == "exact")
    title = formatting.exact(moment)
    if style == "date":
        text, title = formatting.day(timezone.localtime(moment).date()), text
    elif style == "ago":
        passed = moment <= now()
        span = (timesince if passed else timeuntil)(moment, now(), depth=1)  # type: ignore[call-arg]  # django-types: no `depth`
        text, title = (_("%(span)s ago") if passed else _("in %(span)s")) % {"span": span}, text
        if abs((now() - moment).total_seconds()) < 60:
            text = _("just now") if passed else _("in a moment")
    return _inline("when", {"iso": moment.isoformat(), "text": text, "title": title})


def digest(value: str | None, label: str = "") -> SafeString:
    """A digest, shortened; whole in its title and behind the copy button (which needs scripts and hides without)."""
    if not value:
        return format_html('<span class="muted">{}</span>', _("not recorded"))
    return _inline("digest", {"value": str(value), "short": formatting.short_digest(str(value)), "label": label})


def person(who: Any, style: str = "name") -> SafeString:
    """A person's name; "erased person" once the name is gone; the part of Countersign that acted, where none did.

    `who` is a Person, None, or the text of a system actor ("worker"). Style `full` adds the pseudonym of the log."""
    if who is None or isinstance(who, str):
        return _inline("person", {"system": who or "", "name": "", "pseudonym": ""})
    name = str(getattr(who, "name", "") or "").strip()
    pseudonym = str(getattr(who, "pk", "") or getattr(who, "actor_id", "") or "")
    if getattr(who, "actor_kind", "person") == "system":
        return _inline("person", {"system": pseudonym, "name": "", "pseudonym": ""})
    return _inline("person", {"name": name, "pseudonym": pseudonym, "full": style == "full", "known": True})


def number(value: float | None, unit: str = "") -> SafeString:
    """A counted figure. What was estimated goes through `interval`."""
    return format_html('<span class="figure">{}</span>', formatting.measure(value, unit) if unit else formatting.number(value))


def interval(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    n: int | None = None,
    unit: str = "",
    *,
    of: str = "rows",
) -> SafeString:
    """An estimate with its interval and its sample size: `97.8 % (96.1–98.9 %, 450 rows)`."""
    whole = formatting.interval(value, low, high, n, unit, of=of)
    figure, bracket, rest = whole.partition(" (")
    if not bracket:
        return format_html('<span class="figure muted">{}</span>', figure)
    return format_html('<span class="figure"><strong>{}</strong> <span class="bounds">({}</span></span>', figure, rest)


def size(value: int | None) -> SafeString:
    """A size in bytes, readable, exact in its title."""
    exact = "" if value is None else formatting.number(value)
    return format_html('<span class="figure" title="{} B">{}</span>', exact, formatting.size(value))


def duration(seconds: float | None) -> SafeString:
    return format_html('<span class="figure">{}</span>', formatting.duration(seconds))


def prose(text: str | None, missing: str = "") -> SafeString:
    """Text that people wrote: paragraphs and line breaks, nothing else; markup in it is shown, never run."""
    if not (text or "").strip():
        return format_html('<p class="muted">{}</p>', missing or _("Not stated."))
    return format_html('<div class="prose">{}</div>', mark_safe(linebreaks(text, autoescape=True)))  # noqa: S308 - escaped just here
