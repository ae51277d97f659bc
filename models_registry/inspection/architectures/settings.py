"""What an architecture is, and how its settings are read: one sentence for each that does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_MOST_LAYERS, _LARGEST = 64, 1 << 16
POSITIVE = {"type": "integer", "minimum": 1, "maximum": _LARGEST}
LIST = {"type": "array", "items": POSITIVE, "maxItems": _MOST_LAYERS}


class CannotBuild(ValueError):
    """The architecture is not known or its configuration does not fit; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What a plug-in offers: a name, its settings as a JSON Schema, and how the module is built from them."""

    name: str
    version: str
    summary: str
    schema: Mapping[str, Any]  # JSON Schema of the configuration
    build: Callable[[Mapping[str, Any]], nn.Module]  # raises ValueError with a sentence if the configuration does not fit


def table(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON Schema of settings with these names and no others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def size(config: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    """The setting as a whole number. Raises CannotBuild."""
    value = config.get(name, default)
    if type(value) is not int or not 0 < value <= _LARGEST:
        raise CannotBuild(f"The setting {name!r} must be a whole number from 1 to {_LARGEST:,}.")
    return value


def sizes(config: Mapping[str, Any], name: str, *, length: int | None = None, default: list[int] | None = None) -> list[int]:
    """The setting as a list of whole numbers. Raises CannotBuild."""
    values = config.get(name, default)
    whole = isinstance(values, list) and all(type(value) is int and 0 < value <= _LARGEST for value in values)
    if not whole or len(values) > _MOST_LAYERS or (length and len(values) != length) or (default is None and not values):
        what = f"{length} whole numbers" if length else "whole numbers"
        raise CannotBuild(f"The setting {name!r} must be a list of {what} from 1 to {_LARGEST:,}.")
    return list(values)


def layers(config: Mapping[str, Any], name: str, *, default: int | None = None) -> int:
    """The setting as a number of layers. Raises CannotBuild."""
    count = size(config, name, default=default)
    if count > _MOST_LAYERS:
        raise CannotBuild(f"The setting {name!r} must be at most {_MOST_LAYERS}.")
    return count


def choice(config: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """The setting as one of `choices`. Raises CannotBuild."""
    value = config.get(name)
    if value not in choices:
        raise CannotBuild(f"The setting {name!r} must be one of {', '.join(choices)}.")
    return str(value)


def flag(config: Mapping[str, Any], name: str) -> bool:
    """The setting as true or false, false where it is not given. Raises CannotBuild."""
    value = config.get(name, False)
    if not isinstance(value, bool):
        raise CannotBuild(f"The setting {name!r} must be true or false.")
    return value


def nothing_else(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Every setting is one of the schema's. Raises CannotBuild."""
    if unknown := sorted(set(config) - set(schema["properties"])):
        raise CannotBuild(f"The setting {unknown[0]!r} is not known; there are {', '.join(schema['properties'])}.")
