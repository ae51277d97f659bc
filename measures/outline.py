"""The outline of a long line: few points that show every peak, kept up while points arrive.

A line of a million points is drawn some hundreds of pixels wide. Of the points that share a pixel only four can be seen: the
first, the lowest, the highest and the last. `Outline` keeps these four of each block of points in the order of arrival; when
there are too many blocks, neighbours are joined, which loses no extreme. So adding points costs what is added, and drawing costs
the same however long the line is. `thin` picks the same four for each column of a picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINT = np.dtype([("step", "<i8"), ("value", "<f8"), ("time", "<i8")])
MOST_BLOCKS = 1024  # even, because neighbours are joined in pairs; at least half as many remain, more than a picture has columns
KEPT = 4  # of a block: first, lowest, highest, last

Points = NDArray[Any]  # of the type POINT, in the order of arrival


def points(steps: Any, values: Any, times: Any) -> Points:
    """The three columns as one array of points."""
    made = np.empty(len(steps), POINT)
    made["step"], made["value"], made["time"] = steps, values, times
    return made


@dataclass(frozen=True, slots=True)
class Outline:
    """`count` points seen; `rows[i]` are the four kept of the i-th block of `block` points, `tail` those after the last block.

    It is the same whether the points came at once or one by one.
    """

    count: int = 0
    block: int = KEPT
    rows: Points = field(default_factory=lambda: np.empty((0, KEPT), POINT))
    tail: Points = field(default_factory=lambda: np.empty(0, POINT))

    def extended(self, more: Points) -> Outline:
        """The outline of these points and `more` after them."""
        block, rows, tail = self.block, self.rows, np.concatenate([self.tail, more])
        while True:
            full = min(len(tail) // block, MOST_BLOCKS - len(rows))
            rows = np.concatenate([rows, _four(tail[: full * block].reshape(full, block))])
            tail = tail[full * block :]
            if len(rows) < MOST_BLOCKS:
                return Outline(self.count + len(more), block, rows, tail.copy())
            rows, block = _four(rows.reshape(-1, 2 * KEPT)), 2 * block

    @property
    def kept(self) -> Points:
        """The points to draw, in the order of arrival; all of them while there are few."""
        return np.concatenate([self.rows.ravel(), self.tail])

    def to_bytes(self) -> bytes:
        """For a cache: three numbers, then the points."""
        head = np.array([self.count, self.block, len(self.rows)], "<i8")
        return head.tobytes() + self.rows.tobytes() + self.tail.tobytes()

    @classmethod
    def from_bytes(cls, kept: bytes) -> Outline:
        """What `to_bytes` made."""
        count, block, rows = (int(number) for number in np.frombuffer(kept, "<i8", 3))
        found = np.frombuffer(kept, POINT, offset=24)
        return cls(count, block, found[: rows * KEPT].reshape(rows, KEPT), found[rows * KEPT :])


def _four(blocks: Points) -> Points:
    """Of each row the first, the lowest, the highest and the last point, in the order in which they stand."""
    if blocks.shape[1] == KEPT:
        return blocks
    if not len(blocks):
        return np.empty((0, KEPT), POINT)
    values = blocks["value"]
    extremes = np.sort(np.stack([values.argmin(axis=1), values.argmax(axis=1)], axis=1), axis=1)
    ends = np.zeros((len(blocks), 1), np.intp), np.full((len(blocks), 1), blocks.shape[1] - 1, np.intp)
    return np.take_along_axis(blocks, np.concatenate([ends[0], extremes, ends[1]], axis=1), axis=1)


def thin(x: NDArray[Any], y: NDArray[Any], columns: int) -> NDArray[np.intp]:
    """The places of the points to draw, in the order of x: of each of `columns` equal parts of its range the first, the lowest,
    the highest and the last. All y are finite; points of one x keep their order."""
    order = np.argsort(x, kind="stable")
    if len(x) <= KEPT * columns:
        return order
    along, height = x[order].astype(np.float64), y[order]
    width = (along[-1] - along[0]) or 1.0
    column = np.minimum((along - along[0]) / width * columns, columns - 1).astype(np.intp)
    ends = np.flatnonzero(np.diff(column, prepend=-1, append=columns))
    by_height = np.lexsort((height, column))  # within a column from the lowest to the highest
    starts, lasts = ends[:-1], ends[1:] - 1
    chosen = np.unique(np.concatenate([starts, by_height[starts], by_height[lasts], lasts]))
    return np.asarray(order[chosen], np.intp)
