"""JSON that people brought, in the form that canonical JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

GREATEST = 2**53 - 1  # beyond, readers of JSON do not agree on integers


def plain(value: Any) -> Any:
    """`value` with integers that are too large, and numbers that are none, written as texts."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) <= GREATEST else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)
