"""Only some rows of the data: what a fold held out, or what a resample left out of its bag."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.data import Chunk, Data
from evaluations.engine.refusals import CannotMeasure


@dataclass(frozen=True, slots=True)
class Selected:
    """The rows `chosen` (ascending positions, int64 [m]) of `data`; its chunks are numbered as if there were no others."""

    data: Data
    chosen: NDArray[np.int64]

    @property
    def rows(self) -> int:
        return len(self.chosen)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def columns(self) -> Mapping[str, list[str]]:
        return self.data.columns

    def chunks(self) -> Iterator[Chunk]:
        """As those of `data`, with the chosen rows alone; chunks without any are left out."""
        done = 0
        for chunk in self.data.chunks():
            begin, end = np.searchsorted(self.chosen, [chunk.first_row, chunk.first_row + len(chunk.targets)])
            if begin == end:
                continue
            within = self.chosen[begin:end] - chunk.first_row
            columns = {name: codes[within] for name, codes in chunk.columns.items()}
            yield Chunk(done, chunk.inputs[torch.from_numpy(within)], chunk.targets[within], columns)
            done += int(end - begin)


def select(data: Data, path: Path) -> Selected:
    """The rows of `data` that the JSON file `path` lists: whole numbers from 0, ascending, each once."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CannotMeasure("The list of the rows to measure is not JSON.") from error
    if not isinstance(listed, list) or not listed or not all(type(row) is int for row in listed):
        raise CannotMeasure("The list of the rows to measure is not a list of whole numbers.")
    if listed[0] < 0 or listed[-1] >= data.rows:
        raise CannotMeasure(f"The rows to measure reach to {listed[-1]}, but the data set has the rows 0 to {data.rows - 1}.")
    chosen = np.asarray(listed, dtype=np.int64)
    if not (np.diff(chosen) > 0).all():
        raise CannotMeasure("The rows to measure are not in ascending order, each once.")
    return Selected(data, chosen)


def weights_digest(model: torch.nn.Module) -> str:
    """`sha256:` over names, types, shapes and bytes of all parameters and buffers, in the order of their names.

    Two files that hold the same weights, saved in whatever way, have the same digest.
    """
    hasher = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        whole = tensor.detach().cpu().contiguous()
        hasher.update(f"{name}\0{whole.dtype}\0{tuple(whole.shape)}\0".encode())
        hasher.update(whole.cpu().reshape(-1).view(torch.uint8).numpy().tobytes() if whole.numel() else b"")
    return "sha256:" + hasher.hexdigest()
