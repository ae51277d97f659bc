"""From columns of a table to inputs, targets and codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from evaluations.engine.data.tensors import LONGEST_NAME, MOST_VALUES
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.tasks import CLASSIFICATION, Task
from models_registry.inspection.reading import Feature, Reading

_LONGEST_CELL = 1000  # characters of a text that is looked up


def kind_of(field: pa.Field) -> str:
    """number, truth or text; a column of another type (lists, structs, times) is refused."""
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_boolean(kind):
        return "truth"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    raise CannotMeasure(f"The column {field.name!r} holds {str(field.type)[:60]}; numbers, truth values and texts are read.")


def put(into: NDArray[np.float32], column: pa.Array, feature: Feature, *, first_row: int) -> None:
    """The prepared feature stands in `into` [n, width]."""
    if feature.kind == "category":
        place = {name: i for i, name in enumerate(feature.categories)}
        values_seen, codes = _distinct(column)
        at = np.array([place.get(text, -1) for text in values_seen] or [-1])
        found = np.where(codes >= 0, at[codes], -1)
        into[:] = 0.0
        rows = np.flatnonzero(found >= 0)
        into[rows, found[rows]] = 1.0
        return
    values = numbers(column, feature.name)
    missing = np.isnan(values)
    if missing.any():
        if feature.fill is None:
            raise CannotMeasure(
                f"Row {first_row + int(np.argmax(missing))} of the data set has no value in {feature.name!r}, and the version "
                "declares nothing to fill it with."
            )
        values = np.where(missing, feature.fill, values)
    with np.errstate(over="ignore"):  # what grows too large for float32 is refused as not finite
        into[:, 0] = (values - feature.mean) / feature.scale


def numbers(column: pa.Array, name: str) -> NDArray[np.float64]:
    """float64 [n], NaN where a value is missing."""
    if _is_text(column):
        raise CannotMeasure(f"The column {name!r} holds texts, but numbers are expected there.")
    try:
        plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        wide = plain.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CannotMeasure(f"The column {name!r} holds something else than numbers: {str(error)[:150]}") from error
    return np.array(wide.to_numpy(zero_copy_only=False), dtype=np.float64)


def targets(held: Sequence[pa.Array], names: Sequence[str], task: Task, *, first_row: int) -> NDArray[Any]:
    """The targets of a batch as the task stores them; a class may stand there by its name or its number."""
    if task.name == "multilabel":
        return np.column_stack([_whole(one, name, first_row) for one, name in zip(held, names, strict=True)])
    column, name = held[0], names[0]
    if task.name not in CLASSIFICATION:
        return numbers(column, name)
    if not _is_text(column):
        return _whole(column, name, first_row)
    place = {text: i for i, text in enumerate(task.classes)}
    values, codes = _distinct(column)
    numbered = {str(i): i for i in range(len(task.classes))}
    at = np.array([place.get(text, numbered.get(text, -1)) for text in values] or [-1])
    found = np.where(codes >= 0, at[codes], -1)
    if (found < 0).any():
        row = int(np.argmax(found < 0))
        told = "no target" if codes[row] < 0 else f"the target {values[codes[row]][:60]!r}, which is none of the model's classes"
        raise CannotMeasure(f"Row {first_row + row} of the data set has {told}.")
    return found.astype(np.int64)


def _whole(column: pa.Array, name: str, first_row: int) -> NDArray[np.int64]:
    values = numbers(column, name)
    wrong = ~(np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < 2**53))
    if wrong.any():
        raise CannotMeasure(
            f"Row {first_row + int(np.argmax(wrong))} of the data set has no whole number as its target in {name!r}."
        )
    return values.astype(np.int64)


def value_names(batches: Iterator[pa.RecordBatch], reading: Reading) -> dict[str, list[str]]:
    """The sorted values of each slice column; refuses a column with too many or too long ones."""
    seen: dict[str, set[str]] = {name: set() for name in reading.slices}
    for batch in batches:
        for name, held in seen.items():
            held.update(text for text in _distinct(batch.column(batch.schema.names.index(name)))[0])
            if len(held) > MOST_VALUES:
                raise CannotMeasure(f"The slice column {name!r} has more than {MOST_VALUES:,} different values.")
    for name, held in seen.items():
        if any(not 0 < len(text) <= LONGEST_NAME for text in held):
            raise CannotMeasure(f"A value of the slice column {name!r} is empty or longer than {LONGEST_NAME} characters.")
    return {name: sorted(held) for name, held in seen.items()}


def codes(
    held: Mapping[str, pa.Array], reading: Reading, names: Mapping[str, list[str]], *, first_row: int
) -> dict[str, NDArray[np.int64]]:
    """int64 [n] by column: places among the names of a slice, the number itself or a hash of the text for keys, -1 missing."""
    found = {}
    for name, known in names.items():
        column = held[name]
        if name in reading.slices:
            place = {text: i for i, text in enumerate(known)}
            values, at = _distinct(column)
            looked_up = np.array([place[text] for text in values] or [-1], dtype=np.int64)
        elif not _is_text(column):
            key = numbers(column, name)
            whole = np.isfinite(key) & (np.abs(key) < 2**53)
            found[name] = np.where(whole, np.where(whole, key, 0).astype(np.int64), -1)
            continue
        else:
            values, at = _distinct(column)
            looked_up = np.array([_hashed(text) for text in values] or [-1], dtype=np.int64)
        found[name] = np.where(at >= 0, looked_up[at], -1)
    return found


def _hashed(text: str) -> int:
    """A whole number of at least 0 for a key: itself where it is one; two of a million others share one with a chance of 1e-7."""
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def _is_text(column: pa.Array) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _distinct(column: pa.Array) -> tuple[list[str], NDArray[np.int64]]:
    """The different values of a column as texts, and the place [n] of each row among them, -1 where it is missing."""
    held = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    used = pc.unique(held.indices.drop_null()) if len(held) else held.indices
    try:
        held.dictionary.validate(full=True)  # Parquet does not say whether its texts are UTF-8
    except pa.ArrowInvalid as error:
        raise CannotMeasure("A text of the data set is not UTF-8; write the texts as UTF-8.") from error
    for place in used.to_pylist():
        value = held.dictionary[place]
        if _is_text(column) and pc.utf8_length(value).as_py() > _LONGEST_CELL:
            raise CannotMeasure(f"A text of the data set is longer than {_LONGEST_CELL:,} characters.")
    places = {place: i for i, place in enumerate(used.to_pylist())}
    values = [_text(held.dictionary[place].as_py()) for place in places]
    at = held.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    table = np.full(len(held.dictionary) + 1, -1, dtype=np.int64)
    for place, i in places.items():
        table[place] = i
    return values, np.where(at >= 0, table[at], -1)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
