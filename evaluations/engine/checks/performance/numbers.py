"""How far a regression model's numbers lie from the true ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evaluations.engine.checks.performance.part import NAME, Options
from evaluations.engine.findings import Chart, Findings, Metric, bar_columns, estimated, percent
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from measures.blocks import BLOCKS, Blocks, block_numbers, mean_of, units_of
from measures.estimate import Estimate
from measures.proportions import proportion
from measures.regression import Errors
from measures.shares import ratio

UNITS = {"r2": "score", "pearson": "score", "mape": "proportion"}
SHOWN = 50_000  # rows behind the pictures; of more, every second, third, ...
BARS = 20


class Numbers:
    """RMSE, MAE, bias, R2, Pearson's correlation, median and 95th percentile of the absolute error, MAPE away from 0; for
    declared quantiles the pinball loss of each, and the share of rows within each symmetric pair."""

    def __init__(self, subject: Subject, options: Options) -> None:
        self._subject, self._options = subject, options
        self._levels = subject.kind.quantiles
        self._errors = Errors()
        self._pinball = Blocks(max(1, len(self._levels)))
        half = len(self._levels) // 2
        self._pairs = [
            (i, len(self._levels) - 1 - i) for i in range(half) if abs(self._levels[i] + self._levels[-1 - i] - 1.0) < 1e-9
        ]
        self._within = np.zeros((BLOCKS, max(1, len(self._pairs))), dtype=np.int64)
        self._every = max(1, -(-subject.rows // SHOWN))
        self._shown: list[NDArray[np.float64]] = []

    def see(self, answers: Answers) -> None:
        y, p, first = answers.targets, answers.predicted, answers.first_row
        groups = self._subject.groups_of(answers)
        self._errors.add(y, p, first_row=first, groups=groups)
        skip = -first % self._every
        self._shown.append(np.column_stack([y[skip :: self._every], p[skip :: self._every]]))
        if not self._levels:
            return
        over = y[:, None] - answers.outputs
        levels = np.array(self._levels)
        self._pinball.add(np.maximum(levels * over, (levels - 1.0) * over), first_row=first, groups=groups)
        block = block_numbers(len(y), BLOCKS, first_row=first, groups=groups)
        for column, (low, high) in enumerate(self._pairs):
            inside = (answers.outputs[:, low] <= y) & (y <= answers.outputs[:, high])
            self._within[:, column] += np.bincount(block[inside], minlength=BLOCKS)

    def finish(self) -> Findings:
        grouped = self._subject.group is not None
        found = self._errors.measured(grouped=grouped, **self._options.bootstrap)
        metrics = [estimated(NAME, name, e, unit=UNITS.get(name, "score")) for name, e in found.items()]
        shown = np.concatenate(self._shown)
        charts = [_residuals(shown, self._errors.n), _against(shown, self._errors.n, found)]
        return Findings(metrics + self._quantiles(grouped), charts)

    def _quantiles(self, grouped: bool) -> list[Metric]:
        metrics = []
        for column, level in enumerate(self._levels):
            loss = self._pinball.bootstrap(mean_of(column), least=0.0, greatest=np.inf, **self._options.bootstrap)
            metrics.append(estimated(NAME, "pinball_loss", loss, unit="score", label=f"{level:g}"))
        rows, confidence = self._errors.blocks.rows, self._options.confidence
        for column, (low, high) in enumerate(self._pairs):
            inside = self._within[:, column]
            if grouped:
                share = ratio(inside, rows, units=units_of(rows), confidence=confidence)
            else:
                share = proportion(int(inside.sum()), int(rows.sum()), confidence=confidence)
            label = f"{self._levels[low]:g}–{self._levels[high]:g}"
            metrics.append(estimated(NAME, "interval_coverage", share, unit="proportion", label=label))
        return metrics


def _residuals(shown: NDArray[np.float64], rows: int) -> Chart:
    """The share of rows in 20 equal steps of predicted minus true, the outermost open."""
    errors = shown[:, 1] - shown[:, 0]
    low, high = np.quantile(errors, [0.005, 0.995])
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BARS + 1)
    counts = np.bincount(np.clip(np.searchsorted(edges, errors, side="right") - 1, 0, BARS - 1), minlength=BARS)
    drawn = []
    for i, count in enumerate(counts):
        e = proportion(int(count), errors.size)
        label = f"{edges[i]:.3g} to {edges[i + 1]:.3g}"
        drawn.append({"label": label, "value": e.value, "low": e.low, "high": e.high, "n": int(count)})
    above = float((errors > 0).mean())
    description = (
        f"How far predictions lie from the truth, over {_sample(errors.size, rows)}: {percent(above)} are too high, "
        f"half of all errors lie between {np.quantile(errors, 0.25):.3g} and {np.quantile(errors, 0.75):.3g}."
    )
    columns = bar_columns("Predicted minus true", "Share of the rows")
    more = {"unit": "proportion", "check": NAME, "x_title": "Share of the rows", "y_title": "Predicted minus true"}
    return Chart("residuals", "Distribution of the errors", "bars", columns, drawn, description, more)


def _against(shown: NDArray[np.float64], rows: int, found: dict[str, Estimate]) -> Chart:
    """In 20 equally large steps of the true value: the mean prediction, and between what nine tenths of the predictions lie."""
    order = np.argsort(shown[:, 0], kind="stable")
    drawn = []
    for part in np.array_split(shown[order], min(BARS, len(shown))):
        true = float(part[:, 0].mean())
        low, high = np.quantile(part[:, 1], [0.05, 0.95])
        series = {"Mean prediction": float(part[:, 1].mean()), "5 % lie below": low, "5 % lie above": high, "Perfect": true}
        drawn += [{"series": name, "x": true, "y": float(y)} for name, y in series.items()]
    r2 = found["r2"]
    told = f"R2 is {r2.value:.3f}" if r2.known else "R2 is not known, because the true values do not vary"
    description = (
        f"Predictions against true values in {min(BARS, len(shown))} equally large steps, over {_sample(len(shown), rows)}: "
        f"{told}, the root of the mean squared error {found['rmse'].value:.4g}. A perfect model lies on the line."
    )
    columns = [{"key": "series", "title": "Line"}, {"key": "x", "title": "True value"}, {"key": "y", "title": "Prediction"}]
    more = {"check": NAME, "x_title": "True value", "y_title": "Prediction"}
    return Chart("predicted_true", "Predicted and true values", "lines", columns, drawn, description, more)


def _sample(shown: int, rows: int) -> str:
    return f"{rows:,} rows" if shown == rows else f"one in {-(-rows // shown)} of {rows:,} rows"
