"""The points of a curve as arrays, and as the bytes that are kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

STEP, VALUE = np.dtype("<i8"), np.dtype("<f8")


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Steps (int64), values (float64; NaN and infinities are kept) and times (int64, milliseconds since 1970; 0: not said),
    one-dimensional and of one length, in the order in which they were reported."""

    steps: np.ndarray
    values: np.ndarray
    times: np.ndarray

    @classmethod
    def of(cls, steps: Sequence[int], values: Sequence[float], times: Sequence[int] | None = None) -> Points:
        return cls(
            np.asarray(steps, STEP),
            np.asarray(values, VALUE),
            np.zeros(len(steps), STEP) if times is None else np.asarray(times, STEP),
        )

    @classmethod
    def unpacked(cls, steps: bytes, values: bytes, times: bytes) -> Points:
        """What `packed` gave: little-endian, 8 bytes a number."""
        return cls(np.frombuffer(steps, STEP), np.frombuffer(values, VALUE), np.frombuffer(times, STEP))

    @classmethod
    def joined(cls, parts: Sequence[Points]) -> Points:
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.of([], [])
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "values", "times")))

    def packed(self) -> tuple[bytes, bytes, bytes]:
        """Steps, values and times, little-endian, 8 bytes a number."""
        return self.steps.astype(STEP).tobytes(), self.values.astype(VALUE).tobytes(), self.times.astype(STEP).tobytes()

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, part: slice) -> Points:
        return Points(self.steps[part], self.values[part], self.times[part])

    def in_order(self) -> Points:
        """By step, then time; what is equal in both stays in the order in which it was reported."""
        if len(self) < 2 or bool(np.all(self.steps[1:] > self.steps[:-1])):
            return self
        order = np.lexsort((self.times, self.steps))
        return Points(self.steps[order], self.values[order], self.times[order])
