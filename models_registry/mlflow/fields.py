"""The shapes of MLflow's input: what a field takes from JSON or from a query, and the sentence that says what is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import QueryDict
from django.utils.translation import gettext as _

from core.errors import InvalidInput

MOST_INT = 2**63 - 1
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}  # as protobuf writes them in JSON
_WHOLE = re.compile(r"-?[0-9]{1,19}\Z")
SHOWN = 80  # characters of a value that a sentence repeats


class Field(Protocol):
    """`read` gives the value that is kept; a field that is `needed` must be there and say something."""

    @property
    def needed(self) -> bool: ...

    def read(self, value: Any, name: str) -> Any: ...

    def absent(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most `most` characters; ids and numbers that a client sends as JSON numbers are taken as text."""

    most: int = 500
    needed: bool = False

    def read(self, value: Any, name: str) -> str:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise invalid(name, _("it must be a text"))
        text = str(value)
        if len(text) > self.most:
            raise invalid(
                name,
                _("it has %(size)s characters, and at most %(most)s are kept")
                % {"size": f"{len(text):,}", "most": f"{self.most:,}"},
            )
        if "\x00" in text:
            raise invalid(name, _("a zero character cannot stand there"))
        if self.needed and not text:
            raise missing(name)
        return text

    def absent(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, also as the text that protobuf makes of 64-bit numbers; absent: None."""

    least: int = -MOST_INT
    most: int = MOST_INT
    needed: bool = False

    def read(self, value: Any, name: str) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, str) and _WHOLE.match(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(name, _("it must be a whole number"))
        if not self.least <= value <= self.most:
            raise invalid(name, _("it must be from %(least)s to %(most)s") % {"least": self.least, "most": self.most})
        return value

    def absent(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Number:
    """A number; what is not finite comes as "NaN", "Infinity", "-Infinity"."""

    needed: bool = True

    def read(self, value: Any, name: str) -> float:
        if isinstance(value, str):
            if value in NOT_FINITE:
                return NOT_FINITE[value]
            try:
                return float(value) if len(value) <= 40 else _refuse(name)
            except ValueError:
                _refuse(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            _refuse(name)
        return float(value)

    def absent(self) -> None:
        return None


def _refuse(name: str) -> Any:
    raise invalid(name, _("it must be a number"))


@dataclass(frozen=True, slots=True)
class Flag:
    otherwise: bool = False
    needed: bool = False

    def read(self, value: Any, name: str) -> bool:
        found = {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())
        if found is None:
            raise invalid(name, _("it must be true or false"))
        return found

    def absent(self) -> bool:
        return self.otherwise


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these words, in any case."""

    among: tuple[str, ...]
    needed: bool = False

    def read(self, value: Any, name: str) -> str:
        found = str(value)[:SHOWN].upper()
        if found not in self.among:
            raise invalid(name, _("it must be one of %(words)s") % {"words": ", ".join(self.among)})
        return found

    def absent(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Record:
    """An object with these fields; what else it holds is left out, as MLflow's own server does."""

    fields: Mapping[str, Field]
    needed: bool = True

    def read(self, value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise invalid(name, _("it must be an object"))
        return bound(self.fields, value, within=name)

    def absent(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Many:
    """A list of at most `most`."""

    of: Field
    most: int = 1000
    needed: bool = False

    def read(self, value: Any, name: str) -> list[Any]:
        if not isinstance(value, list | tuple):
            raise invalid(name, _("it must be a list"))
        if len(value) > self.most:
            raise invalid(
                name,
                _("it has %(size)s entries, and one request takes at most %(most)s")
                % {"size": f"{len(value):,}", "most": f"{self.most:,}"},
            )
        return [self.of.read(item, f"{name}[{place}]") for place, item in enumerate(value)]

    def absent(self) -> list[Any]:
        return []


def bound(fields: Mapping[str, Field], given: Mapping[str, Any], *, within: str = "") -> dict[str, Any]:
    """The value of every field by its name; null counts as absent, as in protobuf."""
    found = {}
    for key, field in fields.items():
        name = f"{within}.{key}" if within else key
        value = _taken(field, given, key)
        if value is None:
            if field.needed:
                raise missing(name)
            found[key] = field.absent()
        else:
            found[key] = field.read(value, name)
    return found


def _taken(field: Field, given: Mapping[str, Any], key: str) -> Any:
    if isinstance(given, QueryDict) and isinstance(field, Many):
        return given.getlist(key) or None
    return given.get(key)


def invalid(name: str, why: str) -> InvalidInput:
    return InvalidInput(_("Invalid value for parameter '%(name)s': %(why)s.") % {"name": name[:SHOWN], "why": why})


def missing(name: str) -> InvalidInput:
    return InvalidInput(_("Missing value for required parameter '%(name)s'.") % {"name": name[:SHOWN]})


KEY = Text(250, needed=True)
TAG = Record({"key": KEY, "value": Text(8_000)})
