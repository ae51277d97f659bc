"""Data as tensors: a safetensors file with `inputs`, `targets` and, where there are further columns, `column.NAME`."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from evaluations.engine.data import chunks
from evaluations.engine.data.chunks import Chunk
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.tasks import Task

MOST_HEADER = 8 << 20  # bytes: two tensors need about two hundred, the names of a column's values the rest
MOST_COLUMNS = 200
MOST_VALUES = 10_000  # of one column
LONGEST_NAME = 60  # characters of a column's name or of a value's, so that both together label a number
COLUMN = "column."
_SIZES = {"F32": 4, "F64": 8, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
_KINDS = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
_INPUTS = ("F32", "I64")
_CASTS = {
    "regression": "y.float()",
    "ranking": "relevance.float()",
}
Header = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tensor lies in the file: its first byte, the type of its numbers, the shape of one row."""

    start: int
    dtype: str
    shape: tuple[int, ...]

    def rows(self, file: BinaryIO, first: int, count: int) -> NDArray[Any]:
        """Rows [count, *shape], read and not mapped: pages of a mapped file would stay in memory until the end."""
        numbers = math.prod(self.shape)
        file.seek(self.start + first * numbers * np.dtype(self.dtype).itemsize)
        read = np.fromfile(file, dtype=self.dtype, count=count * numbers)
        if read.size != count * numbers:
            raise CannotMeasure("The data set ends before its last row; send it again.")
        return read.reshape(count, *self.shape)


@dataclass(frozen=True, slots=True)
class Tensors:
    """`rows` rows of `inputs` [rows, *shape] (float32, or int64 for tokens), with targets and further columns."""

    path: Path
    rows: int
    shape: tuple[int, ...]
    width: int
    columns: Mapping[str, list[str]]
    places: Mapping[str, Place]

    def chunks(self) -> Iterator[Chunk]:
        """Each chunk in order; refuses values that are not finite and codes without a name."""
        step = chunks.rows_at_once(self.shape, width=self.width)
        with self.path.open("rb") as file:
            for first in range(0, self.rows, step):
                count = min(step, self.rows - first)
                read = {name: place.rows(file, first, count) for name, place in self.places.items()}
                codes = {
                    name: chunks.checked_codes(read[COLUMN + name], names, column=name, first_row=first)
                    for name, names in self.columns.items()
                }
                x = chunks.checked_inputs(torch.from_numpy(read["inputs"]), first_row=first)
                yield Chunk(first, x, read["targets"], codes)


def open_tensors(path: Path, *, task: Task) -> Tensors:
    """The data in `path`, if its header says exactly what the engine expects and the file is as long as it says."""
    y = _CASTS.get(task.name, "y.long()")
    remedy = f"Save it with safetensors.torch.save_file({{'inputs': x.float(), 'targets': {y}}}, path)."
    header, held = _header(path, remedy)
    for name, types in (("inputs", _INPUTS), ("targets", task.target_types)):
        _tensor(header, name, types, held, remedy)
    inputs, targets = header["inputs"]["shape"], header["targets"]["shape"]
    if not inputs or targets != [inputs[0], *task.target_shape]:
        each = "one target" if not task.target_shape else f"{task.target_shape[0]} labels"
        raise CannotMeasure(
            f"The inputs have the shape {inputs} and the targets {targets}; there must be exactly {each} for each row."
        )
    if inputs[0] == 0:
        raise CannotMeasure("The data set has no rows, so nothing can be measured on it.")
    columns = _columns(header, inputs[0], held)
    try:
        with safe_open(path, framework="numpy"):  # holes, overlaps and doubled names are its matter
            pass
    except SafetensorError as error:
        raise CannotMeasure(f"The data set cannot be read as safetensors ({error}). {remedy}") from error
    base = path.stat().st_size - held
    places = {name: _place(header[name], base) for name in ("inputs", "targets", *(COLUMN + name for name in columns))}
    return Tensors(path, inputs[0], tuple(inputs[1:]), task.width, columns, places)


def _place(entry: dict[str, Any], base: int) -> Place:
    return Place(base + entry["data_offsets"][0], _KINDS[entry["dtype"]], tuple(entry["shape"][1:]))


def _header(path: Path, remedy: str) -> tuple[Header, int]:
    """The JSON header of a safetensors file, and how many bytes of tensors follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
        if not 2 <= length <= min(MOST_HEADER, size - 8):
            raise CannotMeasure(f"The data set is not a safetensors file. {remedy}")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise CannotMeasure(f"The data set is not a safetensors file: its header is not JSON. {remedy}") from error
    if not isinstance(header, dict):
        raise CannotMeasure(f"The data set is not a safetensors file: its header is not an object. {remedy}")
    return header, size - 8 - length


def _tensor(header: Header, name: str, types: tuple[str, ...], held: int, remedy: str) -> None:
    entry = header.get(name)
    if not isinstance(entry, dict):
        raise CannotMeasure(f"The data set has no tensor named {name}. {remedy}")
    if entry.get("dtype") not in types:
        wanted = " or ".join(types)
        raise CannotMeasure(f"The tensor {name} of the data set has the type {entry.get('dtype')!s}, not {wanted}. {remedy}")
    if not _fits(entry, held):
        raise CannotMeasure(f"The tensor {name} of the data set does not lie where the file's header says. {remedy}")


def _fits(entry: dict[str, Any], held: int) -> bool:
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not (isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2):
        return False
    if not all(type(number) is int and number >= 0 for number in [*shape, *offsets]):
        return False
    return bool(offsets[0] <= offsets[1] <= held and offsets[1] - offsets[0] == _SIZES[entry["dtype"]] * math.prod(shape))


def _columns(header: Header, rows: int, held: int) -> dict[str, list[str]]:
    """The names behind the codes of each further column, in the order of the column names."""
    found = sorted(name.removeprefix(COLUMN) for name in header if name.startswith(COLUMN))
    named = _named(header)
    if len(found) > MOST_COLUMNS:
        raise CannotMeasure(f"The data set has {len(found)} further columns; at most {MOST_COLUMNS} are read.")
    for name in found:
        if not 0 < len(name) <= LONGEST_NAME:
            raise CannotMeasure(f"A further column is named with 1 to {LONGEST_NAME} characters after '{COLUMN}'.")
        _tensor(header, COLUMN + name, ("I64",), held, "Save its codes as int64, one for each row, -1 for missing.")
        if header[COLUMN + name]["shape"] != [rows]:
            raise CannotMeasure(
                f"The column {name} has the shape {header[COLUMN + name]['shape']}; it needs one code for each row."
            )
    unknown = sorted(set(named) - set(found))
    if unknown:
        raise CannotMeasure(f"The data set names the values of the column {unknown[0]}, but has no tensor {COLUMN}{unknown[0]}.")
    return {name: named.get(name, []) for name in found}


def _named(header: Header) -> dict[str, list[str]]:
    """The metadata key `columns`: JSON {name of a column: [names of its values]}."""
    metadata = header.get("__metadata__")
    text = metadata.get("columns") if isinstance(metadata, dict) else None
    if text is None:
        return {}
    try:
        named = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        named = None
    if not (isinstance(named, dict) and all(_value_names(values) for values in named.values())):
        raise CannotMeasure(
            "The metadata key 'columns' of the data set is not a JSON object that gives each column a list of different names, "
            f"at most {MOST_VALUES:,} of at most {LONGEST_NAME} characters."
        )
    return named


def _value_names(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= MOST_VALUES
        and all(isinstance(value, str) and 0 < len(value) <= LONGEST_NAME for value in values)
        and len(set(values)) == len(values)
    )
