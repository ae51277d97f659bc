"""The numbers of a checkpoint, tensor by tensor and piece by piece, so that memory stays small whatever the file.

Imports torch, so it runs in the sandboxed child only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from models_registry.inspection import loading
from models_registry.inspection.formats import Format
from models_registry.inspection.headers import read_header
from models_registry.inspection.report import Findings, StaticReport

_PIECE = 1 << 18  # elements that are held at a time; more are no faster, and take memory


class Numbers:
    """The tensors of the file at `path`, of which the gate said `report`: names, types, shapes, and their elements in C order.
    Raises what loading.load_state raises."""

    def __init__(self, path: Path, report: StaticReport) -> None:
        self._path = path
        self._entries: dict[str, dict[str, Any]] = {}
        self._state: loading.State = {}
        if report.format == Format.SAFETENSORS:
            with path.open("rb") as file:
                header = read_header(file, report.facts["size"], Findings())
            self._entries = {entry["name"]: entry for entry in header["tensors"]}
        else:
            self._state = loading.load_state(path, report)

    @property
    def names(self) -> list[str]:
        return list(self._entries or self._state)

    def dtype(self, name: str) -> torch.dtype:
        dtype: torch.dtype = getattr(torch, self._entries[name]["dtype"]) if self._entries else self._state[name].dtype
        return dtype

    def shape(self, name: str) -> list[int]:
        return list(self._entries[name]["shape"] if self._entries else self._state[name].shape)

    def pieces(self, name: str) -> Iterator[torch.Tensor]:
        """The elements in order, flat, some at a time."""
        if self._entries:
            yield from self._read(name)
            return
        flat = self._state[name].detach().reshape(-1)
        for at in range(0, flat.numel(), _PIECE):
            yield flat[at : at + _PIECE].contiguous()

    def _read(self, name: str) -> Iterator[torch.Tensor]:
        dtype, entry = self.dtype(name), self._entries[name]
        with self._path.open("rb") as file:
            file.seek(entry["offset"])
            left = entry["bytes"]
            while left:
                data = bytearray(file.read(min(left, _PIECE * dtype.itemsize)))
                left -= len(data)
                yield torch.frombuffer(data, dtype=dtype)
