"""What JSON, the database and RFC 8785 can all hold: anything else that a person may send is refused before it is looked into."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from core.canonical import canonical_bytes
from core.errors import InvalidInput

LARGEST = 256 * 1024  # bytes of the canonical JSON
DEEPEST = 12
MOST_VALUES = 50_000
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def check_plain(body: Any) -> None:
    """Text, numbers, yes and no, lists and named fields; nothing deeper or larger than a policy needs."""
    waiting: list[tuple[Any, int]] = [(body, 0)]
    seen = 0
    while waiting:
        value, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST or seen > MOST_VALUES:
            raise _refused(_("A policy is not nested so deeply, nor so large. Leave out what it does not need."))
        if isinstance(value, Mapping):
            if any(not isinstance(key, str) for key in value):
                raise _refused(_("Every field of a policy has a name that is text; put it between quotation marks."))
            waiting += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(part, depth + 1) for part in value]
        else:
            _check_value(value)
    if len(canonical_bytes(body)) > LARGEST:
        raise _refused(_("A policy has at most %(most)d kilobytes.") % {"most": LARGEST // 1024})


def _check_value(value: Any) -> None:
    if isinstance(value, str):
        if _NO_TEXT.search(value):
            raise _refused(_("A policy holds a character that no text has. Write it without."))
    elif isinstance(value, int):
        if abs(value) >= 2**53:
            raise _refused(_("A policy holds a number that is too large. Write a smaller one."))
    elif value is not None and not (isinstance(value, float) and math.isfinite(value)):
        said = _("A policy holds text, numbers, yes and no; %(value)s is none of these. Put a date between quotation marks.")
        raise _refused(said % {"value": str(value)[:40]})


def _refused(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, code="policy_values")
