"""The data to measure on: checked before they are read, read in chunks, so that memory does not grow with the rows.

What a file is, its content says: safetensors, Parquet, CSV, npz, or a zip of images with a manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluations.engine.data import tensors
from evaluations.engine.data.chunks import Chunk, Data
from evaluations.engine.refusals import CannotMeasure
from evaluations.engine.tasks import Task
from models_registry.inspection.reading import BadReading, Reading, reading_of

__all__ = ["Chunk", "Data", "open_data"]

_DECLARE = "Declare with the version how its data are read: the features in their order, and the target."


def open_data(path: Path, *, task: Task, reading: Mapping[str, Any] | None = None) -> Data:
    """The data in `path`, for a model of `task`; raises CannotMeasure with a sentence where the two do not go together."""
    try:
        declared = reading_of(reading) if reading and set(reading) != {"group"} else None
    except BadReading as error:
        raise CannotMeasure(f"How the data are to be read cannot be followed: {error}") from error
    with path.open("rb") as file:
        start = file.read(16)
    if start[:4] == b"PAR1":
        from evaluations.engine.data.tables import open_parquet  # noqa: PLC0415 - pyarrow takes 50 MB

        return open_parquet(path, task=task, reading=_table(declared, "a Parquet file"))
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(path, task, declared)
    if declared is not None and declared.picture is None and not _is_safetensors(start):
        from evaluations.engine.data.tables import open_csv  # noqa: PLC0415 - as above

        return open_csv(path, task=task, reading=declared)
    return tensors.open_tensors(path, task=task)


def _zip(path: Path, task: Task, declared: Reading | None) -> Data:
    from evaluations.engine.data import archives, arrays, images  # noqa: PLC0415 - Pillow is needed for pictures only

    members = archives.checked(path)
    if any(name.endswith(".npy") for name in members):
        return arrays.open_npz(path, members, task=task)
    if declared is None or declared.picture is None:
        raise CannotMeasure(f"The data set is a zip. {_DECLARE.replace('features in their order', 'size of its images')}")
    return images.open_images(path, members, task=task, reading=declared)


def _table(declared: Reading | None, what: str) -> Reading:
    if declared is None or declared.picture is not None:
        raise CannotMeasure(f"The data set is {what}. {_DECLARE}")
    return declared


def _is_safetensors(start: bytes) -> bool:
    """Eight bytes of a length below 2**48, then a JSON object."""
    return len(start) > 8 and start[8:9] == b"{" and start[6:8] == b"\x00\x00"
