"""Images: a zip of PNG and JPEG files with `manifest.csv`; each is measured before it is decoded."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from PIL import Image

from evaluations.engine.data import chunks, columns
from evaluations.engine.data.archives import DAMAGED, Members
from evaluations.engine.data.chunks import Chunk
from evaluations.engine.data.tables import Rows, open_csv
from evaluations.engine.refusals import CannotMeasure, first_line
from evaluations.engine.tasks import Task
from models_registry.inspection.reading import Picture, Reading

MANIFEST = "manifest.csv"
MOST_MANIFEST = 256 << 20  # bytes
MOST_FILE = 32 << 20  # bytes of one image
MOST_PIXELS = 40_000_000  # of one image
_FORMATS = ("PNG", "JPEG")


@dataclass(frozen=True, slots=True)
class Images:
    """One image for each line of the manifest."""

    path: Path
    table: Rows
    picture: Picture
    members: Members

    @property
    def rows(self) -> int:
        return self.table.rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.picture.channels, self.picture.height, self.picture.width)

    @property
    def columns(self) -> Mapping[str, list[str]]:
        return self.table.columns

    def chunks(self) -> Iterator[Chunk]:
        p, r, first = self.picture, self.table.reading, 0
        step = chunks.rows_at_once(self.shape, width=self.table.task.width)
        wanted = [p.column, *(name for name in (*r.targets, *self.columns) if name != p.column)]
        with zipfile.ZipFile(self.path) as archive:
            for batch in self.table.read(list(dict.fromkeys(wanted))):
                for start in range(0, batch.num_rows, step):
                    part = batch.slice(start, step)
                    held = {name: part.column(i) for i, name in enumerate(part.schema.names)}
                    files = held[p.column].to_pylist()
                    x = np.stack([self._decoded(archive, name, first + i) for i, name in enumerate(files)])
                    targets = columns.targets([held[name] for name in r.targets], r.targets, self.table.task, first_row=first)
                    codes = columns.codes(held, r, self.columns, first_row=first)
                    yield Chunk(first, torch.from_numpy(x), targets, codes)
                    first += part.num_rows

    def _decoded(self, archive: zipfile.ZipFile, name: str | None, row: int) -> NDArray[np.float32]:
        """float32 [channels, height, width]; refuses what is no image of a reasonable size."""
        member = self.members.get(name or "")
        if member is None:
            raise CannotMeasure(f"Row {row} of the manifest names the file {str(name)[:100]!r}, which is not in the zip.")
        if member.file_size > MOST_FILE:
            raise CannotMeasure(f"The image {member.filename[:100]!r} is larger than {MOST_FILE >> 20} MiB.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                with Image.open(io.BytesIO(archive.read(member)), formats=_FORMATS) as image:
                    if image.width * image.height > MOST_PIXELS:
                        raise CannotMeasure(
                            f"The image {member.filename[:100]!r} has {image.width} × {image.height} pixels; "
                            f"at most {MOST_PIXELS:,} are decoded."
                        )
                    plain = image.convert(self.picture.mode)
        except (*DAMAGED, SyntaxError, Image.DecompressionBombError, Warning) as error:
            why = first_line(error)
            raise CannotMeasure(f"The file {member.filename[:100]!r} cannot be read as a PNG or JPEG image: {why}") from error
        wanted = (self.picture.width, self.picture.height)
        plain = plain if plain.size == wanted else plain.resize(wanted, Image.Resampling.BILINEAR)
        x = np.asarray(plain, dtype=np.float32) / 255.0
        x = x[:, :, None] if x.ndim == 2 else x
        mean, scale = (np.array(each, dtype=np.float32) for each in (self.picture.mean, self.picture.scale))
        return np.ascontiguousarray(((x - mean) / scale).transpose(2, 0, 1))


def open_images(path: Path, members: Members, *, task: Task, reading: Reading) -> Images:
    """The images of `path`, if there is a manifest that names each."""
    assert reading.picture is not None  # noqa: S101 - asked before
    manifest = members.get(MANIFEST)
    if manifest is None:
        raise CannotMeasure(f"The zip of images has no {MANIFEST} in its root, which names each file and its target.")
    if manifest.file_size > MOST_MANIFEST:
        raise CannotMeasure(f"The {MANIFEST} is larger than {MOST_MANIFEST >> 20} MiB.")
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(manifest)
    except DAMAGED as error:
        raise CannotMeasure(f"The {MANIFEST} cannot be unpacked: {str(error)[:200] or type(error).__name__}") from error
    table = open_csv(pa.py_buffer(content), task=task, reading=reading)
    return Images(path, table, reading.picture, members)
