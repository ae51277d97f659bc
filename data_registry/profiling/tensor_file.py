"""safetensors with the standard library and numpy: the header is checked against the file before a number is read."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from data_registry.profiling.columns import COLUMNS, NAME, Budget, Column, Table, Unreadable

_HEADER = 16 << 20  # bytes of header
_CHUNK = 1 << 20  # numbers looked at at a time
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2,
          "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "C64": 8}  # fmt: skip
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def read_safetensors(path: Path, budget: Budget) -> Table:
    """Count rows (the first dimension that the tensors share) and NaN, and put names and metadata to the patterns."""
    header, start = _header(path)
    table = Table("safetensors")
    texts = header.pop("__metadata__", {})
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise Unreadable("The metadata of the file is not a table of texts.")
    lengths = set()
    for name, tensor in sorted(header.items())[:COLUMNS]:
        dtype, shape, begin = _tensor(name, tensor, path.stat().st_size - start)
        lengths.add(shape[0] if shape else 1)
        column = Column(name[:NAME], dtype=f"{dtype}[{','.join(map(str, shape))}]"[:NAME])
        column.filled = math.prod(shape)
        if dtype in _FLOATS and column.filled:
            column.nulls = _count_nan(path, _FLOATS[dtype], start + begin, column.filled, budget)
        table.columns.append(column)
    if len(header) > COLUMNS:
        table.leave_out("columns", count=len(header) - COLUMNS)
    table.rows_known = len(lengths) == 1
    if table.rows_known:
        table.rows = lengths.pop()
    else:
        table.leave_out("row_count")
    for key, text in list(texts.items())[:COLUMNS]:
        column = Column(f"metadata: {key}"[:NAME], dtype="text", filled=1)
        column.look_at(text)
        table.columns.append(column)
    if time.monotonic() > budget.deadline:
        table.leave_out("time", rows=table.rows)
    table.leave_out("tensors", count=len(header))
    return table


def _header(path: Path) -> tuple[dict[str, Any], int]:
    size = path.stat().st_size
    with path.open("rb") as raw:
        length = int.from_bytes(raw.read(8), "little")
        if not 2 <= length <= min(_HEADER, size - 8):
            raise Unreadable("The file cannot be read as safetensors: its header does not fit the file.")
        try:
            header = json.loads(raw.read(length), object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise Unreadable("The file cannot be read as safetensors: its header is not JSON.") from error
    if not isinstance(header, dict):
        raise Unreadable("The file cannot be read as safetensors: its header is not an object.")
    return header, 8 + length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _value in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _tensor(name: str, tensor: Any, available: int) -> tuple[str, list[int], int]:
    """The type, shape and offset of one tensor, once they agree with each other and with the file."""
    try:
        dtype, shape, (begin, end) = tensor["dtype"], tensor["shape"], tensor["data_offsets"]
        whole = all(type(number) is int and 0 <= number < 2**53 for number in [*shape, begin, end])
        if not whole or end - begin != math.prod(shape) * _SIZES[dtype] or end > available:
            raise ValueError("sizes disagree")
    except (TypeError, KeyError, ValueError) as error:
        raise Unreadable(f"The tensor {name[:80]!r} does not fit the file.") from error
    return dtype, shape, begin


def _count_nan(path: Path, dtype: str, offset: int, count: int, budget: Budget) -> int:
    numbers = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=(count,))
    found = 0
    for place in range(0, count, _CHUNK):
        if time.monotonic() > budget.deadline:
            break
        found += int(np.isnan(numbers[place : place + _CHUNK]).sum())
    return found
