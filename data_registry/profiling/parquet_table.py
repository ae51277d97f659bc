"""Parquet with pyarrow, batch by batch: the metadata's promises about size are not believed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_registry.profiling.columns import COLUMNS, NAME, NULLS, Budget, Column, Table, Unreadable

_BATCH = 4096  # rows decoded at a time


def read_parquet(path: Path, budget: Budget) -> Table:
    """Count rows and nulls and put the text and whole numbers to the patterns. Raises Unreadable."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    table = Table("parquet")
    try:
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            fields = list(file.schema_arrow)
            table.columns = [Column(field.name[:NAME], dtype=str(field.type)[:NAME]) for field in fields[:COLUMNS]]
            if len(fields) > COLUMNS:
                table.leave_out("columns", count=len(fields) - COLUMNS)
            _read(file, table, [field.name for field in fields[:COLUMNS]], budget)
            unread = sorted({column.name for column in table.columns if column.filled and not column.scanned})
    except MemoryError:  # Arrow's own is both: it says nothing about the file, and the sandbox names the limit
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise Unreadable(f"The file cannot be read as Parquet: {_first_line(error)}") from error
    if unread:
        table.leave_out("types", columns=unread[:20], count=len(unread))
    return table


def _read(file: pq.ParquetFile, table: Table, names: list[str], budget: Budget) -> None:
    promised = file.metadata.num_rows
    for batch in file.iter_batches(batch_size=_BATCH, use_threads=False, columns=names or None):
        if time.monotonic() > budget.deadline:
            table.leave_out("time", rows=table.rows)
            return
        if table.rows >= budget.rows:
            table.leave_out("rows", looked_at=table.rows, rows=promised)
            table.rows = promised
            return
        table.rows += batch.num_rows
        for column, values in zip(table.columns, batch.columns, strict=True):
            column.nulls += values.null_count
            column.filled += batch.num_rows - values.null_count
            blank = 0
            for cell in _cells(values):
                if (text := cell.strip()) and text.lower() not in NULLS:
                    column.look_at(text)
                else:
                    blank += 1
            if _is_text(values.type):  # an empty text in a column of texts says as little as a null
                column.nulls += blank
                column.filled -= blank
    if table.rows != promised:
        raise Unreadable(f"The file promises {promised} rows and holds {table.rows}.")


def _cells(values: pa.Array) -> Iterator[str]:
    """The text and whole numbers in `values`, also inside lists, structs and maps; other types yield nothing."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        yield from _cells(values.storage)
    elif pa.types.is_dictionary(kind):
        yield from _cells(pc.cast(values, kind.value_type))
    elif _is_text(kind):
        yield from (cell for cell in values.to_pylist() if cell is not None)
    elif pa.types.is_integer(kind):
        yield from (str(cell) for cell in values.to_pylist() if cell is not None)
    elif pa.types.is_struct(kind):
        for part in values.flatten():
            yield from _cells(part)
    elif pa.types.is_map(kind):
        yield from _cells(values.keys)
        yield from _cells(values.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _cells(values.flatten())


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
