"""What a checkpoint changes against an earlier one: which tensors came, went or changed, and by how much.

The norm of a change is the Euclidean norm of the difference of all its elements, in double precision; relative to the norm of
the earlier tensor. Imports torch, so it runs in the sandboxed child only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from models_registry.inspection.elements import Numbers
from models_registry.inspection.loading import WRAPPERS

MOST_LISTED = 2_000


def difference(now: Numbers, before: Numbers) -> dict[str, Any]:
    """{"same", "changed", "added", "removed", "reshaped", "counts", "norm", "relative", "prefixes"}: tensors by name, those that
    changed with norm, relative norm and largest change (None where a number is not finite), the strongest change first."""
    of_now, of_before = _aligned(now.names, before.names)
    same = 0
    changed: list[dict[str, Any]] = []
    reshaped: list[dict[str, Any]] = []
    total = size = 0.0
    for name in (name for name in of_now if name in of_before):
        new, old = of_now[name], of_before[name]
        if now.shape(new) != before.shape(old):
            reshaped.append({"name": name, "shape": now.shape(new), "shape_before": before.shape(old)})
            continue
        squares, length, largest, equal = _distance(now, new, before, old)
        total, size = total + squares, size + length
        if equal and now.dtype(new) == before.dtype(old):
            same += 1
            continue
        changed.append({
            "name": name, "shape": now.shape(new), "dtype": _word(now.dtype(new)), "dtype_before": _word(before.dtype(old)),
            "norm": _finite(math.sqrt(squares)), "relative": _ratio(squares, length), "largest": _finite(largest),
        })  # fmt: skip
    changed.sort(key=lambda one: -math.inf if one["norm"] is None else -(one["relative"] or one["norm"]))
    added = [{"name": name, "shape": now.shape(of_now[name])} for name in of_now if name not in of_before]
    removed = [{"name": name, "shape": before.shape(of_before[name])} for name in of_before if name not in of_now]
    lists: dict[str, list[dict[str, Any]]] = {"changed": changed, "added": added, "removed": removed, "reshaped": reshaped}
    return {
        "same": same,
        **{name: rows[:MOST_LISTED] for name, rows in lists.items()},
        "counts": {name: len(rows) for name, rows in lists.items()},
        "norm": _finite(math.sqrt(total)),
        "relative": _ratio(total, size),
    }


def _distance(now: Numbers, new: str, before: Numbers, old: str) -> tuple[float, float, float, bool]:
    """The squared norm of the change, the squared norm of what was, the largest change, and whether every bit is the same."""
    squares = length = largest = 0.0
    equal = True
    for one, other in zip(now.pieces(new), before.pieces(old), strict=True):
        wide, earlier = _wide(one), _wide(other)
        length += float(earlier.square().sum())
        if one.dtype == other.dtype and torch.equal(one.view(torch.uint8), other.view(torch.uint8)):
            continue
        equal = False
        change = wide - earlier
        squares += float(change.square().sum())
        furthest = float(change.abs().max())
        largest = furthest if math.isnan(furthest) else max(largest, furthest)
    return squares, length, largest, equal


def _wide(piece: torch.Tensor) -> torch.Tensor:
    """The elements in double precision; a complex number as its two parts."""
    if piece.is_complex():
        piece = torch.view_as_real(piece).reshape(-1)
    return (piece.float() if piece.is_floating_point() and piece.element_size() == 1 else piece).double()


def _aligned(now: Iterable[str], before: Iterable[str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Both tables by common names: where they have none in common, without what a wrapper put before one of them."""
    one, other = {name: name for name in now}, {name: name for name in before}
    while one and other and not one.keys() & other.keys():
        shorter = [_without_wrapper(table) for table in (one, other)]
        if shorter == [one, other]:
            break
        one, other = shorter
    return one, other


def _without_wrapper(table: dict[str, str]) -> dict[str, str]:
    prefix = next((p for p in WRAPPERS if all(name.startswith(p) for name in table)), "")
    return {name.removeprefix(prefix): full for name, full in table.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _ratio(squares: float, length: float) -> float | None:
    return _finite(math.sqrt(squares / length)) if length > 0 and math.isfinite(length) and squares >= 0 else None


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
