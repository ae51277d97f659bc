"""What scripts hand over, as it can be sent: numbers out of tensors and arrays, parameters and tags out of anything."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

NAME = 250  # characters of a metric's, a parameter's or a tag's name
TEXT = 8_192  # characters of a parameter
TAG = 65_536  # characters of a tag
STEP = 2**53 - 1
DEEP = 8  # levels of nested parameters
LISTED = 1_000  # entries of a list that is a parameter


def number(value: Any) -> float | None:
    """As a float; None for what is no single number. Tensors and arrays of one element give that element."""
    if type(value) in (float, int, bool):
        return _float(value)
    if value is None or isinstance(value, str | bytes | complex):
        return None
    try:
        found = value.item() if hasattr(value, "item") else value  # raises for more than one element
        return None if isinstance(found, str | bytes | complex) else _float(found)
    except Exception:  # a foreign object may raise anything
        return None


def step(value: Any) -> int | None:
    """As a whole number; None for what is none."""
    try:
        found = value.item() if hasattr(value, "item") else value
        if isinstance(found, float) and found.is_integer():
            found = int(found)
        whole = operator.index(found)
    except Exception:  # a foreign object may raise anything
        return None
    return whole if abs(whole) <= STEP else None


def name(given: Any) -> str | None:
    """A name that the site takes; None for what is none."""
    text = given.strip() if isinstance(given, str) else ""
    return text if 1 <= len(text) <= NAME and text.isprintable() else None


def parameters(given: Any) -> dict[str, Any]:
    """`{"optimizer.lr": 0.1}` out of nested mappings, namespaces or dataclasses: numbers, texts, booleans, null and lists stay,
    anything else becomes its text. NaN and infinities are written as words."""
    return {key[:NAME]: value for key, value in _flat(given, "", 0)}


def tags(given: Mapping[Any, Any]) -> dict[str, str]:
    return {
        plain(str(key))[:NAME]: plain(value if isinstance(value, str) else _words(value))[:TAG] for key, value in given.items()
    }


def plain(text: str) -> str:
    """Without the zero bytes and lone surrogates that no database keeps."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def _flat(given: Any, above: str, depth: int) -> list[tuple[str, Any]]:
    several = inside(given)
    if several is None or depth >= DEEP or (above and not several):
        return [(above, _parameter(given))]
    found = []
    for key, value in several.items():
        below = plain(_words(key)).strip() or "?"
        found += _flat(value, f"{above}.{below}" if above else below, depth + 1)
    return found


def inside(given: Any) -> Mapping[Any, Any] | None:
    """Names and values of a mapping, a dataclass or an argparse namespace; None for anything else."""
    if isinstance(given, Mapping):
        return given
    if isinstance(given, type) or callable(given):
        return None
    fields = getattr(given, "__dataclass_fields__", None)
    if fields is not None:
        return {field: getattr(given, field, None) for field in fields}
    return vars(given) if type(given).__name__ in {"Namespace", "SimpleNamespace"} else None


def _parameter(value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return plain(value)[:TEXT]
    if isinstance(value, list | tuple | set | frozenset) and len(value) <= LISTED and depth < DEEP:
        return [_parameter(one, depth + 1) for one in value]
    single = number(value)
    if single is None:
        return plain(_words(value))[:TEXT]
    if not math.isfinite(single):
        return "NaN" if math.isnan(single) else "Infinity" if single > 0 else "-Infinity"
    if isinstance(value, float):
        return single
    whole = step(value)
    if whole is not None:
        return whole
    return _words(value)[:TEXT] if abs(single) > STEP else single  # a whole number that JSON would round, such as a seed


def _words(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # a foreign object may raise anything
        return f"({type(value).__name__})"


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond every float
        return math.inf if value > 0 else -math.inf
