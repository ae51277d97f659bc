"""What every reader gives: rows in chunks, with the codes of the further columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.refusals import CannotMeasure

CHUNK_ROWS = 8192
CHUNK_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows numbered from `first_row`: inputs [n, ...], targets as stored [n, ...], codes int64 [n] by column name."""

    first_row: int
    inputs: torch.Tensor
    targets: NDArray[Any]
    columns: Mapping[str, NDArray[np.int64]]


class Data(Protocol):
    """`rows` rows of inputs of the shape `shape`; `columns` gives the names behind the codes of each further column, none where
    the codes are numbers."""

    @property
    def rows(self) -> int: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def columns(self) -> Mapping[str, list[str]]: ...

    def chunks(self) -> Iterator[Chunk]: ...


def rows_at_once(shape: tuple[int, ...], *, width: int) -> int:
    """How many rows of inputs of this shape, answered with `width` numbers each, are held at a time."""
    a_row = max(4 * math.prod(shape), 8 * width, 1)
    return max(1, min(CHUNK_ROWS, CHUNK_BYTES // a_row))


def checked_inputs(x: torch.Tensor, *, first_row: int) -> torch.Tensor:
    """The inputs, if every number is finite."""
    if x.is_floating_point():
        finite = torch.isfinite(x).flatten(1).all(dim=1) if x.dim() > 1 else torch.isfinite(x)
        if not bool(finite.all()):
            wrong = int(torch.nonzero(~finite)[0])
            raise CannotMeasure(f"Row {first_row + wrong} of the data set holds an input that is not a finite number.")
    return x


def checked_codes(codes: NDArray[np.int64], names: list[str], *, column: str, first_row: int) -> NDArray[np.int64]:
    """The codes of one column, if each is -1 (missing) or has a name; without names, each is a number of its own."""
    wrong = (codes < -1) | (codes >= len(names)) if names else np.zeros(len(codes), dtype=bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise CannotMeasure(
            f"Row {first_row + row} has the code {int(codes[row])} in the column {column}, which names {len(names)} values; "
            f"codes run from 0 to {len(names) - 1}, and -1 means missing."
        )
    return codes
