"""A sample of rows, the same for every model that is measured on the same data, so that two versions meet on the same rows."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from evaluations.engine.corruptions import Spread
from evaluations.engine.inference import Answers
from measures.blocks import splitmix64

MOST_BYTES = 128 << 20  # of inputs; large images make the sample smaller, and its size is named beside each number
_AT_ONCE = 1 << 20  # row numbers that are hashed together


def chosen_rows(total: int, *, most: int, seed: int) -> NDArray[np.int64]:
    """The numbers of the rows that a `Sample` of so many rows holds, in their order, without seeing any row."""
    kept, keys = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    for first in range(0, total, _AT_ONCE):
        rows = np.arange(first, min(first + _AT_ONCE, total), dtype=np.int64)
        kept, keys = np.concatenate([kept, rows]), np.concatenate([keys, _keys(rows, seed)])
        chosen = np.argsort(keys, kind="stable")[:most]
        kept, keys = kept[chosen], keys[chosen]
    return np.sort(kept)


def _keys(rows: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    salt = splitmix64(np.array([seed], dtype=np.int64)) >> np.uint64(1)
    return splitmix64(rows ^ salt.astype(np.int64))


class Sample:
    """The `most` rows whose hashed numbers are smallest, in their order: a random sample that chunks and batches do not change.

    Holds at most `most` rows and about `most_bytes` bytes of inputs, whatever the data.
    """

    def __init__(self, *, most: int, seed: int, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = max(1, int(most)), most_bytes
        self._seed = seed
        self._keys = np.zeros(0, dtype=np.uint64)
        self._rows = np.zeros(0, dtype=np.int64)
        self._inputs: torch.Tensor | None = None
        self._targets: NDArray[np.generic] | None = None
        self._outputs: NDArray[np.float64] | None = None

    def see(self, answers: Answers) -> None:
        """Keep what belongs to the sample so far."""
        a_row = max(1, answers.inputs.element_size() * math.prod(answers.inputs.shape[1:]))
        most = max(1, min(self._most, self._most_bytes // a_row))
        rows = np.arange(answers.first_row, answers.first_row + len(answers.targets), dtype=np.int64)
        keys = _keys(rows, self._seed)
        keys_of_all = np.concatenate([self._keys, keys])
        chosen = np.argsort(keys_of_all, kind="stable")[:most]
        old, new = chosen[chosen < self._keys.size], chosen[chosen >= self._keys.size] - self._keys.size
        if self._inputs is None or self._targets is None or self._outputs is None:
            self._inputs, self._targets, self._outputs = answers.inputs[new], answers.targets[new], answers.outputs[new]
        elif new.size:
            self._inputs = torch.cat([self._inputs[old], answers.inputs[new]])
            self._targets = np.concatenate([self._targets[old], answers.targets[new]])
            self._outputs = np.concatenate([self._outputs[old], answers.outputs[new]])
        if new.size:
            self._keys = np.concatenate([self._keys[old], keys[new]])
            self._rows = np.concatenate([self._rows[old], rows[new]])

    def __len__(self) -> int:
        return int(self._rows.size)

    @property
    def rows(self) -> NDArray[np.int64]:
        """[n]: the numbers of the rows in the data."""
        return np.sort(self._rows)

    @property
    def inputs(self) -> torch.Tensor:
        """[n, ...] in the order of the data; a tensor of its own that gradients may flow to."""
        assert self._inputs is not None  # noqa: S101 - data without rows is refused before any check is made
        return self._inputs[np.argsort(self._rows)].clone()

    @property
    def targets(self) -> NDArray[np.generic]:
        assert self._targets is not None  # noqa: S101 - as above
        return self._targets[np.argsort(self._rows)]

    @property
    def outputs(self) -> NDArray[np.float64]:
        """What the model answered in the main pass."""
        assert self._outputs is not None  # noqa: S101 - as above
        return self._outputs[np.argsort(self._rows)]


class SampleWithSpread(Sample):
    """A sample that also knows where the inputs of all rows lie, those included that it does not hold."""

    _spread: Spread | None = None

    def see(self, answers: Answers) -> None:
        """As of any sample; the spread takes in every row."""
        super().see(answers)
        spread = Spread.of(answers.inputs)
        self._spread = spread if self._spread is None else self._spread + spread

    @property
    def spread(self) -> Spread:
        """Of all rows that were seen."""
        assert self._spread is not None  # noqa: S101 - as above
        return self._spread
