"""All slices of a column at once: right and wrong rows of 200 slices among 1,000,000 rows, against the same group-by in polars.

Both start from columns that lie in memory as each library holds them (numpy arrays, a polars frame), in turns in one process.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from benchmarks.results import Result
from measures.slices import slice_sums

ROWS, SLICES, ROUNDS = 1_000_000, 200, 25


def against_polars() -> list[Result]:
    """The median of the ratios of rounds that follow each other, after both were checked to say the same."""
    rng = np.random.default_rng(0)
    codes, right = rng.integers(0, SLICES, ROWS), rng.random(ROWS) < 0.9
    frame = pl.DataFrame({"slice": codes, "right": right})

    def ours() -> Any:
        return slice_sums(codes, SLICES, right)

    def theirs() -> Any:
        return frame.group_by("slice").agg(pl.len(), pl.col("right").sum().alias("hits"))

    expected, found = theirs().sort("slice"), ours()
    assert found[0].tolist() == expected["len"].to_list() and found[1].tolist() == expected["hits"].to_list()
    pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(ROUNDS)]
    mine, other = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    how = (
        f"{SLICES} slices of {ROWS:,} rows: {mine:.1f} ms, polars {pl.__version__} group_by with {pl.thread_pool_size()} threads "
        f"{other:.1f} ms; medians of {ROUNDS} rounds in turns"
    )
    return [Result("slices_against_polars", statistics.median(a / b for a, b in pairs), 1.0, "at most", how)]


def _seconds(do: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun
