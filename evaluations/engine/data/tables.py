"""Tables: Parquet and CSV by pyarrow, batch by batch, with the features in the order that the version declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import torch

from evaluations.engine.data import chunks, columns
from evaluations.engine.data.chunks import Chunk
from evaluations.engine.refusals import CannotMeasure, first_line
from evaluations.engine.tasks import CLASSIFICATION, Task
from models_registry.inspection.reading import Reading

MOST_FIELDS = 20_000
MOST_PAGES = 1 << 30  # bytes of one column of one row group, unpacked
_BLOCK = 1 << 20  # bytes of CSV held at a time; a longer line is refused
_BATCH = 8192
Batches = Callable[[list[str]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True)
class Rows:
    """`rows` rows of a table; `read(names)` gives its batches with these columns."""

    read: Batches
    rows: int
    columns: Mapping[str, list[str]]
    reading: Reading
    task: Task

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.reading.width,)

    def chunks(self) -> Iterator[Chunk]:
        r, first = self.reading, 0
        most = chunks.rows_at_once((max(1, r.width),), width=self.task.width)
        for batch in _named(self.read, needed(r)):
            for start in range(0, batch.num_rows, most):
                part = batch.slice(start, most)
                held = {name: part.column(i) for i, name in enumerate(part.schema.names)}
                x = np.empty((part.num_rows, r.width), dtype=np.float32)
                at = 0
                for feature in r.features:
                    columns.put(x[:, at : at + feature.width], held[feature.name], feature, first_row=first)
                    at += feature.width
                targets = columns.targets([held[name] for name in r.targets], r.targets, self.task, first_row=first)
                codes = columns.codes(held, r, self.columns, first_row=first)
                yield Chunk(first, chunks.checked_inputs(torch.from_numpy(x), first_row=first), targets, codes)
                first += part.num_rows
        if first != self.rows:
            raise CannotMeasure(f"The data set promises {self.rows:,} rows and holds {first:,}.")


def needed(reading: Reading) -> list[str]:
    """The columns that are read, each once."""
    picture = [reading.picture.column] if reading.picture else []
    further = [name for name in (reading.group, reading.row_id) if name]
    return list(dict.fromkeys([*(f.name for f in reading.features), *picture, *reading.targets, *reading.slices, *further]))


def open_parquet(path: Path, *, task: Task, reading: Reading) -> Rows:
    """The table in `path`; what it will grow to is judged by rows and types, because its own sizes can lie."""
    _quiet()
    wanted = needed(reading)
    with _parquet(path, []) as file:
        schema, metadata = file.schema_arrow, file.metadata
        if len(schema) > MOST_FIELDS:
            raise CannotMeasure(f"The Parquet file has {len(schema):,} columns; at most {MOST_FIELDS:,} are read.")
        texts = [name for name in _present(schema.names, wanted) if columns.kind_of(schema.field(name)) == "text"]
        places = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
        for group in range(metadata.num_row_groups):
            for name in wanted:
                if metadata.row_group(group).column(places[name]).total_uncompressed_size > MOST_PAGES:
                    raise CannotMeasure(f"The column {name!r} holds more than 1 GiB in one row group; write smaller row groups.")
        rows = metadata.num_rows

    def read(names: list[str]) -> Iterator[pa.RecordBatch]:
        with _parquet(path, texts) as held:  # texts stay dictionaries: a long one that is repeated is held once
            yield from held.iter_batches(batch_size=_BATCH, use_threads=False, columns=names)

    return _checked(read, rows, task, reading)


def open_csv(path: Path | pa.Buffer, *, task: Task, reading: Reading) -> Rows:
    """The table in `path` (or in a buffer), with a header line; rows are counted in a pass of their own."""
    _quiet()
    wanted = needed(reading)
    parse = pacsv.ParseOptions(delimiter=reading.delimiter)
    options = pacsv.ReadOptions(use_threads=False, block_size=_BLOCK)
    numbers = {feature.name for feature in reading.features if feature.kind == "number"}
    if task.name not in CLASSIFICATION:  # a class may stand there by its name; anything else is a number
        numbers |= set(reading.targets)

    def opened(source: pa.NativeFile, names: list[str]) -> Any:
        convert = pacsv.ConvertOptions(
            include_columns=names,
            column_types={name: pa.float64() if name in numbers else pa.string() for name in names},
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        return pacsv.open_csv(source, read_options=options, parse_options=parse, convert_options=convert)

    def read(names: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            # A stream, and no path, whose suffix would say that there is something to unpack.
            with (
                pa.OSFile(str(path)) if isinstance(path, Path) else pa.BufferReader(path) as source,
                opened(source, names) as stream,
            ):
                yield from stream
        except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
            raise CannotMeasure(f"The data set cannot be read as CSV: {first_line(error)}") from error

    rows = sum(batch.num_rows for batch in read([wanted[-1]])) if wanted else 0
    return _checked(read, rows, task, reading)


def _checked(read: Batches, rows: int, task: Task, reading: Reading) -> Rows:
    if rows == 0:
        raise CannotMeasure("The data set has no rows, so nothing can be measured on it.")
    if task.name == "multilabel" and len(reading.targets) != len(task.classes):
        raise CannotMeasure(f"The version declares {len(reading.targets)} target columns for {len(task.classes)} labels.")
    if task.name != "multilabel" and len(reading.targets) != 1:
        raise CannotMeasure("Only a multi-label model has several target columns.")
    named = columns.value_names(_named(read, list(reading.slices)), reading) if reading.slices else {}
    keys: dict[str, list[str]] = {name: [] for name in (reading.group, reading.row_id) if name and name not in named}
    return Rows(read, rows, {**named, **keys}, reading, task)


def _named(read: Batches, names: list[str]) -> Iterator[pa.RecordBatch]:
    """The batches of a file; whatever pyarrow finds wrong in it becomes one sentence."""
    try:
        yield from read(names)
    except MemoryError:
        raise  # the sandbox names its limit
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise CannotMeasure(f"The data set cannot be read: {first_line(error)}") from error


def _parquet(path: Path, texts: list[str]) -> AbstractContextManager[pq.ParquetFile]:
    try:
        return pq.ParquetFile(path, memory_map=False, pre_buffer=False, read_dictionary=texts or None)  # type: ignore[no-any-return] # pyarrow has no types
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CannotMeasure(f"The data set cannot be read as Parquet: {first_line(error)}") from error


def _present(names: list[str], wanted: list[str]) -> list[str]:
    missing = [name for name in wanted if names.count(name) != 1]
    if missing:
        times = "has no column" if missing[0] not in names else "has more than one column"
        raise CannotMeasure(f"The data set {times} {missing[0]!r}, which the version declares.")
    return wanted


def _quiet() -> None:
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
