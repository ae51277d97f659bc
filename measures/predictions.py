"""Is the distribution of a model's predictions still what it was? Two rules, from sums that merge.

A batch of observations is kept as its number of rows, the sum and the sum of squares of the softmax vector. Batches add, so an
hour is the sum of its minutes and no single answer has to be stored.

**The source's rule** is exactly: the mean over the batch of the softmax probabilities, and an anomaly if any class lies below
0.05. The means sum to 1, so above 20 classes some class always does: the rule is off there unless it is asked for, and says so.

**The interval rule** compares each class's mean with the same mean on the reference data (the evaluation's hold-out). It fires
when the difference is both *real* (beyond the sampling error of both sides, at 99.9 % for all classes together) and *large*
(at least the policy's minimum effect). Both are needed: at a million rows a difference of 0.001 is real and means nothing.
Neither rule sees every degradation: a model may be wrong with a distribution that looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from measures.estimate import NotMeasurable, tail
from measures.moments import Moments, Reference

SOURCE_THRESHOLD = 0.05
SOURCE_MOST_CLASSES = 20
CONFIDENCE = 0.999  # two-sided, for all classes together
MINIMUM_EFFECT = 0.05  # a difference of means, absolute; a policy may say otherwise
MINIMUM_ROWS = 30  # below, the mean of a skewed probability is not yet near normal


@dataclass(frozen=True, slots=True)
class ClassMean:
    """One class under both rules. `low` and `high` bound where the mean may lie without the interval rule firing."""

    label: str
    mean: float
    reference: float
    difference: float
    low: float
    high: float
    z: float | None  # None where neither side varies at all
    outside: bool  # the interval rule fires for this class
    below: bool  # the mean lies below the source's threshold


@dataclass(frozen=True, slots=True)
class Rule:
    """What one rule says. `applied` False: it was not asked (and `sentence` says why); it then never fires."""

    name: str
    applied: bool
    fired: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class PredictionCheck:
    """Both rules on one batch or window; `classes` has one row for each class, in their order."""

    n: int
    reference_n: int
    confidence: float
    minimum_effect: float
    threshold: float
    source: Rule
    interval: Rule
    classes: tuple[ClassMean, ...]

    @property
    def fired(self) -> bool:
        return self.source.fired or self.interval.fired

    @property
    def sentence(self) -> str:
        """One sentence for people: what fired, or that nothing did, on how many observations."""
        fired = [rule.sentence for rule in (self.interval, self.source) if rule.fired]
        if fired:
            return " ".join(fired)
        applied = [rule for rule in (self.interval, self.source) if rule.applied]
        if not applied:
            return f"Neither rule could be applied to {_rows(self.n)}."
        return f"The predictions of {_rows(self.n)} are distributed as expected."


def source_rule(
    moments: Moments,
    *,
    labels: list[str] | None = None,
    threshold: float = SOURCE_THRESHOLD,
    enabled: bool | None = None,
) -> Rule:
    """The source's rule: any class whose mean softmax probability over the batch is below `threshold`.

    `enabled` None means: on up to 20 classes. Above 1 / threshold classes the rule fires on every batch there is.
    """
    names = _labels(labels, moments.classes)
    on = moments.classes <= SOURCE_MOST_CLASSES if enabled is None else enabled
    always = moments.classes * threshold > 1.0
    warning = f"With {moments.classes} classes some mean always lies below {threshold:g}, so this rule always fires."
    if not on:
        off = f"It is off by default above {SOURCE_MOST_CLASSES} classes." if enabled is None else "The policy switches it off."
        return Rule("source", False, False, f"{warning} {off}" if always else f"This rule was not applied. {off}")
    below = np.flatnonzero(moments.mean < threshold)
    if below.size == 0:
        return Rule(
            "source", True, False, f"The mean probability of every class over {_rows(moments.n)} is at least {threshold:g}."
        )
    worst = below[np.argsort(moments.mean[below], kind="stable")]
    listed = _listed([f"“{names[i]}” ({_number(moments.mean[i])})" for i in worst])
    sentence = f"The mean probability over {_rows(moments.n)} lies below {threshold:g} for {_classes(below.size)} {listed}."
    return Rule("source", True, True, f"{sentence} {warning}" if always else sentence)


def interval_rows(
    moments: Moments,
    reference: Reference,
    *,
    labels: list[str] | None = None,
    confidence: float = CONFIDENCE,
    minimum_effect: float = MINIMUM_EFFECT,
    threshold: float = SOURCE_THRESHOLD,
) -> tuple[ClassMean, ...]:
    """Each class's mean against its reference.

    z = difference / sqrt(variance / n + reference variance / reference n), the interval for a difference of two means that
    counts both sampling errors (Welch); Bonferroni over the K classes keeps all of them together at `confidence`.
    """
    if moments.classes != reference.mean.size:
        raise NotMeasurable(
            f"The observations have {moments.classes} classes but the reference has {reference.mean.size}; "
            "they come from different models."
        )
    names = _labels(labels, moments.classes)
    limit = float(-ndtri(tail(confidence) / moments.classes))
    difference = moments.mean - reference.mean
    error = np.sqrt(moments.variance / moments.n + reference.variance / reference.n)
    reach = np.maximum(limit * error, minimum_effect)
    rows = []
    for i, name in enumerate(names):
        far = bool(abs(difference[i]) > limit * error[i] and abs(difference[i]) >= minimum_effect - 1e-12)
        rows.append(
            ClassMean(
                label=name,
                mean=float(moments.mean[i]),
                reference=float(reference.mean[i]),
                difference=float(difference[i]),
                low=float(max(0.0, reference.mean[i] - reach[i])),
                high=float(min(1.0, reference.mean[i] + reach[i])),
                z=float(difference[i] / error[i]) if error[i] > 0 else None,
                outside=far,
                below=bool(moments.mean[i] < threshold),
            )
        )
    return tuple(rows)


def check_predictions(
    moments: Moments,
    reference: Reference,
    *,
    labels: list[str] | None = None,
    confidence: float = CONFIDENCE,
    minimum_effect: float = MINIMUM_EFFECT,
    minimum_rows: int = MINIMUM_ROWS,
    threshold: float = SOURCE_THRESHOLD,
    source_enabled: bool | None = None,
) -> PredictionCheck:
    """Both rules on the observations `moments`, against `reference`."""
    if not 0.0 <= minimum_effect <= 1.0:
        raise NotMeasurable(f"A minimum effect is a difference of probabilities, 0 to 1, not {minimum_effect!r}.")
    rows = interval_rows(
        moments,
        reference,
        labels=labels,
        confidence=confidence,
        minimum_effect=minimum_effect,
        threshold=threshold,
    )
    return PredictionCheck(
        n=moments.n,
        reference_n=reference.n,
        confidence=confidence,
        minimum_effect=minimum_effect,
        threshold=threshold,
        source=source_rule(moments, labels=labels, threshold=threshold, enabled=source_enabled),
        interval=_interval_rule(
            moments.n, reference.n, rows, confidence=confidence, minimum_effect=minimum_effect, minimum_rows=minimum_rows
        ),
        classes=rows,
    )


def _interval_rule(
    n: int, reference_n: int, rows: tuple[ClassMean, ...], *, confidence: float, minimum_effect: float, minimum_rows: int
) -> Rule:
    least = min(n, reference_n)
    if least < minimum_rows:
        side = "observations" if n < minimum_rows else "reference"
        return Rule(
            "interval", False, False, f"The {side} hold {_rows(least)}, fewer than the {minimum_rows} that this rule needs."
        )
    outside = sorted((row for row in rows if row.outside), key=lambda row: -abs(row.difference))
    how = f"{confidence * 100:.6g} % confidence, at least {minimum_effect:g} apart"
    if not outside:
        return Rule("interval", True, False, f"No class's mean probability over {_rows(n)} differs from the reference ({how}).")
    listed = _listed([f"“{row.label}” ({_number(row.reference)} → {_number(row.mean)})" for row in outside])
    return Rule(
        "interval",
        True,
        True,
        f"The mean probability over {_rows(n)} left its reference interval ({how}) for {_classes(len(outside))} {listed}.",
    )


def _labels(labels: list[str] | None, classes: int) -> list[str]:
    if labels is None:
        return [str(i) for i in range(classes)]
    if len(labels) != classes:
        raise NotMeasurable(f"There are {len(labels)} names for {classes} classes.")
    return labels


def _rows(n: int) -> str:
    return f"{n:,} {'row' if n == 1 else 'rows'}"


def _classes(n: int) -> str:
    return "class" if n == 1 else f"{n} classes:"


def _number(value: float) -> str:
    return f"{value:.3f}"


def _listed(items: list[str], most: int = 4) -> str:
    shown = items[:most]
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
