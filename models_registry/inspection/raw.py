"""Reads tensors from the places that the gate worked out, as the plain numbers that they are. No unpickler meets the file.

Imports torch, so it runs in the sandboxed child only.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import torch

from models_registry.inspection.contents import Layout


def read(path: Path, layout: Layout) -> dict[str, torch.Tensor]:
    """The tensors of `layout` by name, on the CPU. They lie over the mapped file: memory is taken as they are read, tied ones
    share theirs, and writing to one changes no file."""
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    storages: dict[str, torch.Tensor] = {}
    found: dict[str, torch.Tensor] = {}
    for name, placed in layout.tensors.items():
        dtype: torch.dtype = getattr(torch, placed.dtype)
        if not placed.elements:
            found[name] = torch.empty(placed.shape, dtype=dtype)
            continue
        key, start = placed.storage.key, layout.positions[placed.storage.key]
        if key not in storages:
            held = torch.frombuffer(mapped, dtype=torch.uint8, count=placed.storage.size, offset=start)
            storages[key] = held if start % 16 == 0 else held.clone()  # numbers must lie on their own boundaries
        whole = storages[key][: placed.storage.size // dtype.itemsize * dtype.itemsize].view(dtype)
        found[name] = whole.as_strided(placed.shape, placed.strides, placed.offset)
    return found
