"""numpy's npz: `inputs`, `targets` and `column.NAME`, each header checked before its numbers are read, never a pickle."""

from __future__ import annotations

import math
import tokenize
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.data import chunks
from evaluations.engine.data.archives import DAMAGED, Members
from evaluations.engine.data.chunks import Chunk
from evaluations.engine.data.tensors import COLUMN, LONGEST_NAME, MOST_COLUMNS
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.tasks import Task

# What numpy raises on a header that is none.
UNREADABLE = (*DAMAGED, SyntaxError, tokenize.TokenError)
_HEADER = 10_000  # bytes; numpy's own limit
_REMEDY = "Save it with numpy.savez(path, inputs=x.astype('float32'), targets=y)."
_WORDS = {"f4": "F32", "f8": "F64", "i8": "I64", "i4": "I32", "u1": "U8", "b1": "BOOL"}


@dataclass(frozen=True, slots=True)
class _Held:
    """One array: its type and shape, as its header says."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Arrays:
    """`rows` rows; every array is unpacked as a stream, so that only a chunk of each is held."""

    path: Path
    rows: int
    held: Mapping[str, _Held]
    width: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.held["inputs"].shape[1:]

    @property
    def columns(self) -> Mapping[str, list[str]]:
        return {name.removeprefix(COLUMN): [] for name in self.held if name.startswith(COLUMN)}

    def chunks(self) -> Iterator[Chunk]:
        step = chunks.rows_at_once(self.shape, width=self.width)
        try:
            with ExitStack() as stack:
                streams = {name: _opened(stack, self.path, name) for name in self.held}
                for first in range(0, self.rows, step):
                    count = min(step, self.rows - first)
                    read = {name: _rows(streams[name], held, count, name) for name, held in self.held.items()}
                    x = torch.from_numpy(read["inputs"])
                    x = chunks.checked_inputs(x if x.dtype == torch.int64 else x.to(torch.float32), first_row=first)
                    codes = {
                        name.removeprefix(COLUMN): values.astype(np.int64)
                        for name, values in read.items()
                        if name.startswith(COLUMN)
                    }
                    yield Chunk(first, x, read["targets"], codes)
        except DAMAGED as error:
            raise CannotMeasure(f"The npz file cannot be read: {str(error)[:200] or type(error).__name__}") from error


def open_npz(path: Path, members: Members, *, task: Task) -> Arrays:
    """The arrays of `path`, if their headers say what the engine expects."""
    names = {name.removesuffix(".npy") for name in members}
    foreign = sorted(name for name in names if name not in ("inputs", "targets") and not name.startswith(COLUMN))
    if foreign or not {"inputs", "targets"} <= names:
        raise CannotMeasure(f"An npz file holds the arrays inputs, targets and {COLUMN}NAME, and nothing else. {_REMEDY}")
    if len(names) > MOST_COLUMNS + 2 or any(len(name) > len(COLUMN) + LONGEST_NAME for name in names):
        raise CannotMeasure(f"An npz file has at most {MOST_COLUMNS} further columns, named with {LONGEST_NAME} characters.")
    held = {}
    for name in sorted(names):
        with ExitStack() as stack:
            try:
                held[name] = _header(_opened(stack, path, name, whole=False), members[f"{name}.npy"].file_size, name)
            except UNREADABLE as error:
                raise CannotMeasure(f"The array {name} of the npz file has no header that can be read. {_REMEDY}") from error
    inputs, targets = held["inputs"].shape, held["targets"].shape
    if _word(held["inputs"]) not in ("F32", "F64", "I64"):
        raise CannotMeasure(f"The array inputs holds {held['inputs'].dtype}, not float32, float64 or int64. {_REMEDY}")
    if _word(held["targets"]) not in task.target_types:
        raise CannotMeasure(f"The array targets holds {held['targets'].dtype}, not {' or '.join(task.target_types)}. {_REMEDY}")
    if not inputs or targets != (inputs[0], *task.target_shape):
        raise CannotMeasure(f"The inputs have the shape {list(inputs)} and the targets {list(targets)}; each row needs both.")
    if inputs[0] == 0:
        raise CannotMeasure("The data set has no rows, so nothing can be measured on it.")
    for name, one in held.items():
        if name.startswith(COLUMN) and (one.shape != (inputs[0],) or _word(one) not in ("I64", "I32", "U8")):
            raise CannotMeasure(f"The array {name} holds one whole number for each row, -1 for missing.")
    return Arrays(path, inputs[0], held, task.width)


def _opened(stack: ExitStack, path: Path, name: str, *, whole: bool = True) -> IO[bytes]:
    """The member as a stream; at its first number if `whole`."""
    archive = stack.enter_context(zipfile.ZipFile(path))
    stream = stack.enter_context(archive.open(f"{name}.npy"))
    if whole:
        _shape(stream)
    return stream


def _shape(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
    shape, fortran, dtype = read(stream, max_header_size=_HEADER)
    return shape, fortran, dtype


def _header(stream: IO[bytes], size: int, name: str) -> _Held:
    shape, fortran, dtype = _shape(stream)
    if dtype.hasobject:
        raise CannotMeasure(f"The array {name} holds Python objects, which are never loaded. {_REMEDY}")
    if fortran and len(shape) > 1:
        raise CannotMeasure(f"The array {name} is stored column by column; save numpy.ascontiguousarray of it.")
    if stream.tell() + dtype.itemsize * math.prod(shape) != size or not dtype.isnative:
        raise CannotMeasure(f"The array {name} is not as long as its header says. {_REMEDY}")
    return _Held(dtype, shape)


def _word(held: _Held) -> str:
    return _WORDS.get(f"{held.dtype.kind}{held.dtype.itemsize}", str(held.dtype))


def _rows(stream: IO[bytes], held: _Held, count: int, name: str) -> NDArray[Any]:
    shape = (count, *held.shape[1:])
    wanted = held.dtype.itemsize * math.prod(shape)
    content = stream.read(wanted)
    if len(content) != wanted:
        raise CannotMeasure(f"The array {name} of the npz file ends before its last row.")
    return np.frombuffer(bytearray(content), dtype=held.dtype).reshape(shape)
