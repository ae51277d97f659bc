"""Past facts. An event is a frozen, versioned dataclass; `@event` registers its type, and only registered types are recorded.

Events carry ids, digests, enumerations and numbers. Whatever says something about a person is `Private`: the log then holds
a salted commitment, and the value lies in a table from which it can be erased.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.clock import stamp
from core.errors import InvalidInput

_TYPE = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True, kw_only=True)
class Event:
    """A past fact. Subclasses are named in the past tense and registered with `@event`.

    `says` is the sentence that people read, without a full stop, with `%(field)s` for what was recorded; `look` is its icon (a
    lucide name) and its tone (ok, bad, warn, info, idle).
    """

    says: ClassVar[str | Promise] = ""
    look: ClassVar[tuple[str, str]] = ("dot", "idle")
    event_type: ClassVar[str] = ""
    event_version: ClassVar[int] = 0

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        """The sentence for what was recorded: `says`, unless a subclass chooses by `data`."""
        return cls.says


@dataclass(frozen=True, slots=True)
class Private:
    """A text that may have to be erased: a comment, a name, a reason in free words."""

    value: str
    of: str = ""  # pseudonym of the person whose erasure takes it along; empty: the actor
    salt: bytes = b""  # where another record holds the same commitment; otherwise each value has one of its own

    def __repr__(self) -> str:  # never in a log line or a traceback
        return "Private(…)"

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Ref:
    """A subject that is named without a row at hand."""

    kind: str
    key: str


E = TypeVar("E", bound=type[Event])
_registered: dict[tuple[str, int], type[Event]] = {}


def event(name: str, *, version: int) -> Callable[[E], E]:
    """Register a dataclass as the shape of events `name` in its `version`. A shape never changes: make a new version."""

    def register(shape: E) -> E:
        if not _TYPE.match(name):
            raise RuntimeError(f"{name!r} is no name of an event; write it as subject.past_participle.")
        if not (is_dataclass(shape) and issubclass(shape, Event)):
            raise RuntimeError(f"{shape.__name__} must be a dataclass derived from ledger.events.Event.")
        if "__doc__" not in vars(shape) or not shape.__doc__ or shape.__doc__.startswith(f"{shape.__name__}("):
            raise RuntimeError(f"{shape.__name__} needs a docstring: it is what the reference of events shows.")
        if (name, version) in _registered:
            raise RuntimeError(f"The event {name} version {version} is registered twice.")
        shape.event_type, shape.event_version = name, version
        _registered[name, version] = shape
        return shape

    return register


def registered() -> Iterator[tuple[str, int, type[Event]]]:
    """Every known event type, in the order of names."""
    for (name, version), shape in sorted(_registered.items()):
        yield name, version, shape


def is_registered(shape: type[Event]) -> bool:
    return _registered.get((shape.event_type, shape.event_version)) is shape


def ref(on: Any) -> Ref:
    """The subject named by a row (its label and key), by a `Ref`, or by nothing at all."""
    if on is None:
        return Ref("", "")
    if isinstance(on, Ref):
        return on
    label = getattr(on, "ledger_label", None) or on._meta.model_name  # noqa: SLF001 - Django's documented Meta API
    return Ref(str(label), str(on.pk))


def plain(value: Any) -> Any:
    """`value` as JSON knows it. Decimals, bytes, sets and rows are refused: say them as text, digest, list or id."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput("A number that is not finite cannot be recorded; record its absence instead.")
        return value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise InvalidInput(f"A value of type {type(value).__name__} cannot be recorded in an event.")


def parts(fact: Event) -> tuple[dict[str, Any], dict[str, Private]]:
    """The open values and the private ones of an event, each by the name of its field."""
    opened: dict[str, Any] = {}
    private: dict[str, Private] = {}
    for field in fields(fact):
        value = getattr(fact, field.name)
        if isinstance(value, Private):
            private[field.name] = value
        else:
            opened[field.name] = plain(value)
    return opened, private


@event("attempt.refused", version=1)
@dataclass(frozen=True, kw_only=True)
class AttemptRefused(Event):
    """Somebody tried what they may not do; nothing changed."""

    says = _("Refused: %(reason)s")
    look = ("ban", "bad")

    attempt: str  # what was tried, such as sign_off
    code: str  # stable reason for programs
    reason: str  # the sentence that was shown; it names no person


@event("private_values.erased", version=1)
@dataclass(frozen=True, kw_only=True)
class PrivateValuesErased(Event):
    """A person's private values were erased; the log keeps their commitments, which no longer stand for anything."""

    says = _("Personal values of a person erased from the log: %(count)s")
    look = ("eraser", "warn")

    count: int
    values: tuple[str, ...]  # "event id/field" of each
