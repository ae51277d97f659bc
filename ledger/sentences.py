"""What an event says to people: the sentence that its class declares, filled with what was recorded."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ledger.events import Event, registered
from ledger.models import Entry

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST = 160  # characters of one value in a sentence


def sentence_of(entry: Entry) -> str:
    """One sentence for a person, without a full stop, as the event's class says it."""
    body = json.loads(bytes(entry.body))
    shape = _shapes().get((entry.type, int(body.get("v", 0))))
    if shape is None:
        return entry.type.replace(".", " ").replace("_", " ")
    # A field that came later, with a default, is missing from what was recorded before.
    return str(shape.saying(body["data"])) % defaultdict(str, {name: _plain(value) for name, value in body["data"].items()})


def look_of(entry: Entry) -> tuple[str, str]:
    """The icon and the tone that the event's class declares (`look`); a quiet dot for a type that is no longer known."""
    version = int(json.loads(bytes(entry.body)).get("v", 0))
    shape = _shapes().get((entry.type, version))
    return shape.look if shape else Event.look


def _shapes() -> dict[tuple[str, int], Any]:
    return {(name, version): shape for name, version, shape in registered()}


def _plain(value: Any) -> str:
    """A recorded value in words; what is committed but private is not in the log, so it cannot be shown here."""
    if isinstance(value, dict):
        return "…"
    if isinstance(value, list):
        return _short("; ".join(_plain(one) for one in value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    text = str(value)
    if _DAY.fullmatch(text):
        return _day(text)
    if text.startswith("sha256:"):
        return text[:19] + "…"
    return _short(text.replace("_", " ") if text.isidentifier() else text)


def _day(text: str) -> str:
    """As people write a day; what only looks like one stays as it was recorded."""
    try:
        return str(date_format(date.fromisoformat(text), "j M Y"))
    except ValueError:
        return text


def _short(text: str) -> str:
    """At most `_LONGEST` characters, cut between words where there are any."""
    if len(text) <= _LONGEST:
        return text
    cut = text[: _LONGEST - 1]
    words = cut.rpartition(" ")[0]
    return (words if len(words) > _LONGEST // 2 else cut).rstrip(" ,;:") + "…"
