"""The ROC curve and the precision-recall curve of a binary model, as lines with few points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.checks.performance.part import NAME, interval
from evaluations.engine.findings import Chart, percent
from measures.estimate import Estimate

MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Curve:
    """Positive and negative rows that score at least as high as each threshold, thresholds falling: [points] each."""

    hits: NDArray[np.int64]
    alarms: NDArray[np.int64]


def of_scores(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> Curve:
    """From scores [n] and whether each row is positive [n]."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), ordered.size - 1)
    hits = np.cumsum(positive[order])[ends]
    return Curve(hits, ends + 1 - hits)


def of_bins(counts: NDArray[np.int64]) -> Curve:
    """From counts [2, bins] of negative and positive rows in bins of rising score."""
    return Curve(np.cumsum(counts[1][::-1]), np.cumsum(counts[0][::-1]))


def charts(curve: Curve, area: Estimate, precision: Estimate, *, positive: str) -> list[Chart]:
    """Both curves with the areas under them in a sentence."""
    total, others = int(curve.hits[-1]), int(curve.alarms[-1])
    recall, fall_out = curve.hits / total, curve.alarms / others
    share = total / (total + others)
    roc = [{"series": "Model", "x": x, "y": y} for x, y in _thinned(np.append(0.0, fall_out), np.append(0.0, recall))] + [
        {"series": "Chance", "x": x, "y": x} for x in (0.0, 1.0)
    ]
    drawn = curve.hits + curve.alarms > 0
    found = recall[drawn], (curve.hits[drawn] / (curve.hits + curve.alarms)[drawn])
    pr = [{"series": "Model", "x": x, "y": y} for x, y in _thinned(*found)]
    pr += [{"series": "Chance", "x": x, "y": share} for x in (0.0, 1.0)]
    at_few = float(np.interp(0.05, np.append(0.0, fall_out), np.append(0.0, recall)))
    return [
        _lines(
            "roc",
            "ROC curve",
            roc,
            ("Negative rows taken for positive", "Positive rows found"),
            f"The area under the ROC curve of class {positive} is {area.value:.3f} ({interval(area)}, {total:,} positive and "
            f"{others:,} negative rows). With 5 % of the negative rows taken for positive, {percent(at_few)} of the positive "
            "rows are found.",
        ),
        _lines(
            "precision_recall",
            "Precision and recall",
            pr,
            ("Recall", "Precision"),
            f"Average precision of class {positive} is {percent(precision.value)} ({interval(precision)}); "
            f"by chance it would be {percent(share)}, the share of positive rows.",
        ),
    ]


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """At most 200 points, evenly along the line, ends kept."""
    if x.size > MOST_POINTS:
        length = np.append(0.0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y))))
        kept = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], MOST_POINTS)))
        kept = np.union1d(kept, [0, x.size - 1])
        x, y = x[kept], y[kept]
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True)]


def _lines(name: str, title: str, rows: list[dict[str, object]], axes: tuple[str, str], description: str) -> Chart:
    columns = [{"key": "series", "title": "Line"}, {"key": "x", "title": axes[0]}, {"key": "y", "title": axes[1]}]
    return Chart(name, title, "lines", columns, rows, description, {"check": NAME, "x_title": axes[0], "y_title": axes[1]})
