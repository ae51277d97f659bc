"""How many rows a file has, and one column of it as texts. The format is told by the content, never by the name."""

from __future__ import annotations

import csv
import json
import math
import struct
import tokenize
import zipfile
import zlib
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from countersign.splitting.plan import CannotSplit

_CODES = {"I64": "q", "I32": "i", "I16": "h", "I8": "b", "U8": "B", "BOOL": "B", "F32": "f", "F64": "d"}
_MOST_HEADER = 100 << 20
_LONGEST_CELL = 1 << 30
# What zipfile and numpy raise on a member that somebody damaged.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, OSError, EOFError, ValueError, IndexError, KeyError,
    SyntaxError, RuntimeError,
)  # fmt: skip


class Table(ABC):
    """A file of rows: `rows`, and `column(name)` as one text for each row, None where the value is missing."""

    format = ""
    rows = 0

    @abstractmethod
    def column(self, name: str) -> list[str | None]: ...

    def _unknown(self, name: str, known: Sequence[str]) -> CannotSplit:
        return CannotSplit(f"The file has no column {name}. It has {', '.join(known) or 'none'}.")


def open_table(path: Path) -> Table:
    """The table in `path`: Parquet, npz, safetensors, or else CSV with a header."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CannotSplit(f"{path} cannot be read: {error.strerror}.") from error
    if start[:4] == b"PAR1":
        return _Parquet(path)
    if start[:4] == b"PK\x03\x04":
        return _Npz(path)
    if len(start) == 9 and start[8:9] == b"{":
        return _Safetensors(path)
    return _Csv(path)


class _Csv(Table):
    format = "csv"

    def __init__(self, path: Path) -> None:
        self._path = path
        csv.field_size_limit(_LONGEST_CELL)
        lines = self._lines()
        self._names = next(lines, [])
        self.rows = sum(1 for _line in lines)

    def _lines(self) -> Iterator[list[str]]:
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                yield from (line for line in csv.reader(file) if line)
        except (UnicodeDecodeError, csv.Error) as error:
            raise CannotSplit(
                f"{self._path} is none of what can be split: CSV in UTF-8 with a header, Parquet, npz, safetensors."
            ) from error

    def column(self, name: str) -> list[str | None]:
        if name not in self._names:
            raise self._unknown(name, self._names)
        at, lines = self._names.index(name), self._lines()
        next(lines)
        return [(line[at].strip() or None) if at < len(line) else None for line in lines]


class _Safetensors(Table):
    format = "safetensors"

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            try:
                header = json.loads(file.read(min(length, _MOST_HEADER)))
                header.pop("__metadata__", None)
                self._tensors: dict[str, Any] = {name: one for name, one in header.items() if _described(one)["shape"]}
                sizes = {one["shape"][0] for one in self._tensors.values()}
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise CannotSplit(f"{path} begins as a safetensors file and is none.") from error
        self._base = 8 + length
        if len(sizes) != 1:
            raise CannotSplit(f"The tensors of {path} have different first dimensions, so it is not clear what a row is.")
        self.rows = int(sizes.pop())
        if self.rows > path.stat().st_size:  # at least a byte for each
            raise CannotSplit(f"{path} promises {self.rows:,} rows and is too short for them.")

    def column(self, name: str) -> list[str | None]:
        fitting = [key for key, one in self._tensors.items() if len(one["shape"]) == 1 and one["dtype"] in _CODES]
        if name not in fitting:
            raise self._unknown(name, fitting)
        one = self._tensors[name]
        values = array(_CODES[one["dtype"]])
        with self._path.open("rb") as file:
            file.seek(self._base + one["data_offsets"][0])
            values.frombytes(file.read(values.itemsize * self.rows))
        if array("H", b"\0\1")[0] == 1:  # the file has its lowest byte first
            values.byteswap()
        if len(values) != self.rows:
            raise CannotSplit(f"{self._path} ends before its tensor {name} does.")
        return [text_of(value) for value in values]


def _described(one: Any) -> dict[str, Any]:
    """The entry of a tensor in a header; raises ValueError or TypeError where a part of it is missing or none."""
    whole = all(type(number) is int and number >= 0 for number in [*one["shape"], *one["data_offsets"]])
    if not whole or len(one["data_offsets"]) != 2 or not isinstance(one["dtype"], str):
        raise ValueError("no entry of a tensor")
    found: dict[str, Any] = one
    return found


class _Npz(Table):
    format = "npz"

    def __init__(self, path: Path) -> None:
        try:
            from numpy.lib import format as npy
        except ImportError as error:
            raise CannotSplit("An npz file is read with numpy: install countersign[data].") from error
        self._path, self._npy = path, npy
        self._shapes = {name: self._read(name, self._shape) for name in self._names()}
        sizes = {shape[0] for shape in self._shapes.values() if shape}
        if len(sizes) != 1:
            raise CannotSplit(f"The arrays of {path} have different first dimensions, so it is not clear what a row is.")
        self.rows = int(sizes.pop())

    def _names(self) -> list[str]:
        try:
            with zipfile.ZipFile(self._path) as archive:
                return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        except _DAMAGED as error:
            raise CannotSplit(f"{self._path} begins as a zip file and is no npz.") from error

    def _read(self, name: str, what: Callable[[IO[bytes]], Any]) -> Any:
        try:
            with zipfile.ZipFile(self._path) as archive, archive.open(f"{name}.npy") as file:
                return what(file)
        except _DAMAGED as error:
            raise CannotSplit(f"The array {name} of {self._path} cannot be read: it is damaged, or no plain array.") from error

    def _shape(self, file: IO[bytes]) -> tuple[int, ...]:
        """From the array's header alone: its values may be gigabytes."""
        read = {(1, 0): self._npy.read_array_header_1_0, (2, 0): self._npy.read_array_header_2_0}
        version = self._npy.read_magic(file)
        if version not in read:
            raise ValueError(f"version {version}")
        shape: tuple[int, ...] = read[version](file)[0]
        return shape

    def column(self, name: str) -> list[str | None]:
        fitting = [key for key, shape in self._shapes.items() if len(shape) == 1]
        if name not in fitting:
            raise self._unknown(name, fitting)
        values = self._read(name, lambda file: self._npy.read_array(file, allow_pickle=False))
        return [text_of(value) for value in values.tolist()]


class _Parquet(Table):
    format = "parquet"

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import ArrowException, parquet
        except ImportError as error:
            raise CannotSplit("A Parquet file is read with pyarrow: install countersign[data].") from error
        self._path, self._refusal = path, ArrowException
        try:
            self._file = parquet.ParquetFile(path)
        except (ArrowException, OSError) as error:
            raise CannotSplit(f"{path} begins as a Parquet file and cannot be read as one.") from error
        self.rows = int(self._file.metadata.num_rows)

    def column(self, name: str) -> list[str | None]:
        names = self._file.schema_arrow.names
        if name not in names:
            raise self._unknown(name, names)
        try:
            return [text_of(value) for value in self._file.read(columns=[name]).column(0).to_pylist()]
        except (self._refusal, OSError, ValueError) as error:
            raise CannotSplit(f"The column {name} of {self._path} cannot be read: the file is damaged.") from error


def text_of(value: Any) -> str | None:
    """A value as a text that is the same on every machine: 3 and 3.0 are one, missing and NaN are none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None
