"""What a pickle describes, as records: names, storages, tensors, and objects whose classes are never asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from models_registry.inspection.pickles import DTYPES


@dataclass(frozen=True, slots=True)
class Named:
    """A global that the pickle names; it is never imported."""

    module: str
    name: str


@dataclass(slots=True)
class Storage:
    """A run of numbers in the file, as the pickle declares it."""

    key: str
    dtype: str  # "" where untyped
    count: int  # elements, or bytes where untyped
    width: int  # bytes of one

    @property
    def size(self) -> int:
        return self.count * self.width


@dataclass(slots=True)
class Tensor:
    """A tensor as the pickle describes it: a view of a storage, offset and strides in elements."""

    storage: Storage
    dtype: str
    offset: int  # elements
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        return self.elements * DTYPES[self.dtype]

    def flaw(self) -> str:
        """Why the tensor cannot be what it says, or nothing."""
        held = self.storage.size // DTYPES[self.dtype]
        if self.elements == 0:
            return ""
        if self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True)) >= held:
            return "it reaches beyond its storage"
        return "it has more elements than its storage holds" if self.elements > held else ""


class Thing:
    """A value of no further interest."""

    __slots__ = ()


@dataclass(slots=True, eq=False)
class Inert:
    """What stands for an object of a foreign class: its name, and what it was made of. It does nothing."""

    of: Named
    arguments: tuple[Any, ...] = ()
    attributes: Any = None
    items: list[Any] = field(default_factory=list)
    entries: dict[Any, Any] = field(default_factory=dict)
