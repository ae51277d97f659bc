"""A thousand bootstrap replicates of four metrics at a million rows, against drawing the rows themselves with numpy."""

from __future__ import annotations

import numpy as np

from benchmarks.evaluating import seconds
from benchmarks.results import Result
from measures import classification, confusion
from measures.cells import cells_bootstrap

ROWS, CLASSES, REPLICATES, DRAWN = 1_000_000, 10, 1000, 10
METRICS = {name: classification.OVERALL[name] for name in ("balanced_accuracy", "macro_f1", "mcc", "kappa")}


def against_rows() -> list[Result]:
    """At most 1/300 of the time: the table is counted and its cells are drawn, where numpy draws and counts all rows anew."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, ROWS)
    predicted = np.where(rng.random(ROWS) < 0.9, truth, rng.integers(0, CLASSES, ROWS))

    def ours() -> None:
        cells_bootstrap(confusion.table_of(truth, predicted, CLASSES), METRICS, replicates=REPLICATES)

    def rows() -> None:
        for _ in range(DRAWN):
            drawn = rng.integers(0, ROWS, ROWS)
            table = np.bincount(truth[drawn] * CLASSES + predicted[drawn], minlength=CLASSES**2).reshape(CLASSES, CLASSES)
            margins = confusion.margins_of(table)
            for metric, _least, _greatest in METRICS.values():
                metric(margins)

    ours()
    own = min(seconds(ours) for _ in range(5))
    other = min(seconds(rows) for _ in range(3)) * REPLICATES / DRAWN
    how = (
        f"{REPLICATES:,} replicates of {', '.join(METRICS)} at {ROWS:,} rows, counting included: {own * 1000:.1f} ms ÷ "
        f"{other:.1f} s (numpy index resampling and bincount, {DRAWN} replicates timed and scaled)"
    )
    return [Result("bootstrap_against_resampling", own / other, 1 / 300, "at most", how)]
