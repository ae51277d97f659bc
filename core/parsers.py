"""How bodies are read: strict JSON at once, uploads not at all (they are streams). REST framework's views load this file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from core.errors import InvalidInput

DEEPEST = 32  # lists and objects within one another; recursive code elsewhere may rely on it


class AnyBytes(BaseParser):
    """Leaves the body alone, whatever its type: uploads are read as a stream."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


class StrictJson(BaseParser):
    """JSON that everything behind it can keep: no name twice, no zero characters, no lone surrogates, only finite numbers.

    PostgreSQL, RFC 8785 and the log refuse these one by one and late; here they are refused at once and in a sentence.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # Django asks it only for `request.body`, which is not read here
        data = stream.read(limit + 1)
        if len(data) > limit:
            raise TooLarge(_("The body is larger than the limit of %(limit)s bytes.") % {"limit": f"{limit:,}"})
        try:
            found = json.loads(
                data.decode(),  # JSON is UTF-8 (RFC 8259), whatever charset is announced
                parse_constant=_no_constant,
                parse_float=_finite,
                object_pairs_hook=_each_name_once,
            )
        except RecursionError as error:
            raise ParseError(_("The JSON is nested too deeply.")) from error
        except ValueError as error:
            raise ParseError(_("The body is not the JSON that this API reads: %(why)s.") % {"why": error}) from error
        _check(found, depth=0)
        return found


class TooLarge(InvalidInput):
    status = 413
    code = "too_large"
    title = gettext_lazy("The body is too large")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is beyond what a number can be")
    return number


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _value in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value] # None, so falsy
        raise ValueError(f"the name {twice[:50]!r} stands twice in one object")
    return found


def _check(value: Any, *, depth: int) -> None:
    if depth > DEEPEST:
        raise InvalidInput(_("The JSON is nested more than %(deepest)s deep.") % {"deepest": DEEPEST})
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidInput(_("A text contains a zero character (\\u0000), which cannot be kept."))
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(_("A text contains half of a surrogate pair, which is no character.")) from error
    elif isinstance(value, int) and abs(value) > 2**63 - 1:
        raise InvalidInput(_("A number is beyond 64 bits."))
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check(name, depth=depth)
            _check(item, depth=depth + 1)
