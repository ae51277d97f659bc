"""Describes JSON exactly, and says where a value departs from the description: an unknown name is a departure, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


class Schema(Protocol):
    """A description of one value and of all that it holds."""

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        """Each place where `value` is not as described, in order. The depth is the description's, not the value's."""
        ...


@dataclass(frozen=True)
class Rule:
    """A value by itself: whether it holds, and the reason that is given where it does not."""

    holds: Callable[[object], bool]
    code: str = "program_misshapen"
    sentence: str = "The program's description has not the form that torch.export writes."
    remedy: str = ""

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        if not self.holds(value):
            yield Departure(path, value, self)


_MISSHAPEN = Rule(lambda _: False)


@dataclass(frozen=True)
class Departure:
    """Where a value is not as described: its path, the value, the rule that it breaks."""

    path: str
    value: object
    rule: Rule = _MISSHAPEN


@dataclass(frozen=True)
class Maybe:
    """As `of`, or null."""

    of: Schema

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        if value is not None:
            yield from self.of.departures(value, path)


@dataclass(frozen=True)
class Rows:
    """A list, each as `of`."""

    of: Schema

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        if not isinstance(value, list):
            yield Departure(path, value)
            return
        for index, one in enumerate(value):
            yield from self.of.departures(one, f"{path}[{index}]")


@dataclass(frozen=True)
class Table:
    """An object with any names that `key` allows, each value as `of`."""

    key: Schema
    of: Schema

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        if not isinstance(value, dict):
            yield Departure(path, value)
            return
        for name, one in value.items():
            yield from self.key.departures(name, path)
            yield from self.of.departures(one, f"{path}.{name[:100]}")


@dataclass(frozen=True)
class Record:
    """An object with exactly these names; those in `optional` may be missing."""

    fields: Mapping[str, Schema]
    optional: frozenset[str] = frozenset()

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        if not isinstance(value, dict):
            yield Departure(path, value)
            return
        known = self.fields.keys()
        yield from (Departure(path, name) for name in (value.keys() - known) | (known - value.keys() - self.optional))
        for name in (name for name in value if name in known):
            yield from self.fields[name].departures(value[name], f"{path}.{name}".removeprefix("."))


@dataclass(frozen=True)
class OneOf:
    """An object with exactly one of these names."""

    choices: Mapping[str, Schema]

    def departures(self, value: object, path: str = "") -> Iterator[Departure]:
        if not isinstance(value, dict) or len(value) != 1 or not value.keys() <= self.choices.keys():
            yield Departure(path, value)
            return
        ((name, one),) = value.items()
        yield from self.choices[name].departures(one, f"{path}.{name}")
