"""From the numbers of each fold to one number with its interval, and the picture of how far the folds lie apart."""

from __future__ import annotations

import base64
import binascii
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from core import blobs
from core.canonical import sha256_of
from core.charts import ChartsFailed, bars, draw
from evaluations import wording
from evaluations.resampling.models import WHOLE, Fold, Resampling
from evaluations.resampling.splits import Plan, read_split
from evaluations.results import Garbled, columns_of
from measures import resampling as measures
from measures.estimate import Estimate, NotMeasurable

log = logging.getLogger(__name__)
CHECK = {"kfold": "cross_validation", "bootstrap": "bootstrap_refits"}
RANGES = {"proportion": (0.0, 1.0), "score": (-1.0, 1.0), "nats": (0.0, float("inf"))}
HEADLINES = ("accuracy", "macro_f1", "rmse", "ndcg")  # the first that was measured is drawn


class NoResult(Exception):
    """The set has no number, and why."""

    def __init__(self, ended: str, sentence: str) -> None:
        super().__init__(sentence)
        self.ended = ended


@dataclass(slots=True)
class Number:
    """A combined number, with the attributes that wording and verdicts read from a metric."""

    check_name: str
    name: str
    label: str
    value: float
    low: float | None
    high: float | None
    confidence: float | None
    method: str
    n: int
    unit: str


def number_of(one: Mapping[str, Any], *, check: str = "") -> Number:
    """A number as it is kept (JSON) with names for its parts."""
    return Number(**columns_of({**one, "check": check} if check else one))


def losses_of(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Which rows were wrong, if the task has wrong and right; raises Garbled for another shape than the engine gives it."""
    fact = found.get("row_losses")
    if fact is None:
        return None
    try:
        rows, wrong = fact["rows"], base64.b64decode(fact["wrong"], validate=True)
        counts = [fact["true"], fact["predicted"]]
        fits = type(rows) is int and rows == found["rows"] and len(wrong) == (rows + 7) // 8
        fits = fits and len(counts[0]) == len(counts[1])
        fits = fits and all(type(one) is int and one >= 0 for row in counts for one in row)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Garbled("row_losses") from error
    if not fits or any(sum(row) != rows for row in counts):
        raise Garbled("row_losses")
    return {"rows": rows, "wrong": fact["wrong"], "true": fact["true"], "predicted": fact["predicted"]}


def refuse_bad_folds(folds: Sequence[Fold]) -> None:
    """One part that could not be measured leaves the set without a result: never silently fewer parts."""
    bad = [fold for fold in folds if fold.state != Fold.State.COMPLETED]
    if bad:
        raise NoResult(
            "bad_fold",
            _("%(bad)s of %(all)s parts could not be measured, so there is no result. The first: %(name)s. %(why)s")
            % {"bad": len(bad), "all": len(folds), "name": bad[0].name, "why": bad[0].error},
        )


def refuse_same_weights(folds: Sequence[Fold]) -> None:
    """Two files with the same weights are one checkpoint, however they were saved."""
    seen: dict[str, str] = {}
    for fold in folds:
        weights = fold.facts.get("weights", "")
        if weights and weights in seen:
            raise NoResult(
                "leakage",
                _(
                    "%(one)s and %(two)s hold the same weights, so they were trained on rows that they were measured on. That is "
                    "leakage, not cross-validation. Train one checkpoint for each part on its training rows alone."
                )
                % {"one": seen[weights], "two": fold.name},
            )
        seen[weights] = fold.name


def combined(resampling: Resampling, folds: Sequence[Fold]) -> dict[str, Any]:
    """The columns of a completed combination: metrics, charts, facts, results_digest."""
    parts = [fold for fold in folds if fold.number != WHOLE]
    whole = next((fold for fold in folds if fold.number == WHOLE), None)
    plan = read_split(blobs.read(resampling.split_digest))
    try:
        metrics, left_out = _numbers(plan, parts, whole)
    except NotMeasurable as why:
        raise NoResult("not_measurable", str(why)) from why
    return {
        "metrics": metrics,
        "charts": _charts(metrics, parts),
        "facts": {"left_out": left_out},
        "results_digest": sha256_of(
            {
                "split": resampling.split_digest,
                "dataset": resampling.dataset_version.digest,
                "checkpoints": [fold.checkpoint_digest for fold in folds],
                "metrics": metrics,
            }
        ),
    }


def _numbers(plan: Plan, parts: Sequence[Fold], whole: Fold | None) -> tuple[list[dict[str, Any]], list[str]]:
    """Every measure that each part has, combined; and the names of those that some part knows nothing of."""
    tables = [{(one["name"], one.get("label") or ""): one for one in fold.metrics} for fold in parts]
    metrics, left_out = [], []
    for name, label in tables[0]:
        found = [table.get((name, label)) for table in tables]
        known = [one for one in found if one is not None and one["n"] > 0]
        if len(known) < len(parts):
            left_out.append(wording.name_of(name, label))
            continue
        estimate = _finite(_estimate, plan, name, known, parts, whole)
        metrics.append(_kept(CHECK[plan.method], name, label, estimate, known[0].get("unit") or ""))
    return metrics, left_out


def _finite(estimate: Callable[..., Estimate], *given: Any) -> Estimate:
    """The estimate, where numbers of this size have a mean and a spread at all."""
    sentence = _("The parts' numbers are too large to be combined.")
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            found = estimate(*given)
    except (OverflowError, ValueError) as error:  # math.fsum and math.sqrt raise these
        raise NotMeasurable(sentence) from error
    if not all(one is None or math.isfinite(one) for one in (found.value, found.low, found.high)):
        raise NotMeasurable(sentence)
    return found


def _estimate(plan: Plan, name: str, known: Sequence[Mapping[str, Any]], parts: Sequence[Fold], whole: Fold | None) -> Estimate:
    least, greatest = RANGES.get(known[0].get("unit") or "", (-float("inf"), float("inf")))
    folds = [measures.Fold(one["value"], one["n"], one.get("low"), one.get("high")) for one in known]
    if plan.method == "kfold":
        test = plan.rows / len(parts)
        return measures.over_folds(folds, train_rows=plan.rows - test, test_rows=test, least=least, greatest=greatest)
    if name == "accuracy" and whole is not None and all("row_losses" in one.facts for one in [whole, *parts]):
        return _plus_632(plan, parts, whole)
    return measures.over_refits(folds, least=least, greatest=greatest)


def _plus_632(plan: Plan, parts: Sequence[Fold], whole: Fold) -> Estimate:
    left_out = measures.OutOfBag(plan.rows)
    for fold in parts:
        left_out.add(plan.bag(fold.number), _wrong(fold))
    losses = whole.facts["row_losses"]
    return left_out.accuracy(
        apparent=float(_wrong(whole).mean()), true=np.asarray(losses["true"]), predicted=np.asarray(losses["predicted"])
    )


def _wrong(fold: Fold) -> np.ndarray:
    losses = fold.facts["row_losses"]
    packed = np.frombuffer(base64.b64decode(losses["wrong"]), dtype=np.uint8)
    return np.unpackbits(packed, count=losses["rows"]).astype(bool)


def _kept(check: str, name: str, label: str, estimate: Estimate, unit: str) -> dict[str, Any]:
    return {
        "check": check,
        "name": name,
        "label": label,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "confidence": estimate.confidence,
        "method": estimate.method,
        "n": estimate.n,
        "unit": unit,
    }


# -- the picture -----------------------------------------------------------------------------------------------------------


def headline_of(metrics: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The number that stands for the set: the accuracy of a classification."""
    by_name = {one["name"]: one for one in metrics if not one.get("label")}
    return next((by_name[name] for name in HEADLINES if name in by_name), next(iter(metrics), None))


def _charts(metrics: Sequence[Mapping[str, Any]], parts: Sequence[Fold]) -> list[dict[str, Any]]:
    """How far the parts lie apart. A picture that cannot be drawn is left out: the numbers stand without it."""
    headline = headline_of(metrics)
    if headline is None:
        return []
    name, label = headline["name"], headline["label"]
    rows = []
    for fold in parts:
        one = next(one for one in fold.metrics if one["name"] == name and (one.get("label") or "") == label)
        rows.append({"label": fold.name, **{key: one.get(key) for key in ("value", "low", "high", "n")}})
    rows.append({"label": _("Combined"), **{key: headline[key] for key in ("value", "low", "high", "n")}})
    title = _("%(what)s of each part") % {"what": wording.name_of(name, label)}
    values = [number_of({**headline, **row}) for row in rows[:-1]]
    worst, best = min(values, key=lambda one: one.value), max(values, key=lambda one: one.value)
    value, interval = wording.interval_of(number_of(headline))
    description = _("From %(low)s to %(high)s over %(count)s parts; combined %(value)s (%(interval)s).") % {
        "low": wording.interval_of(worst)[0],
        "high": wording.interval_of(best)[0],
        "count": len(values),
        "value": value,
        "interval": interval,
    }
    figure = bars(
        name="parts",
        title=title,
        description=description,
        rows=rows,
        unit=headline["unit"] or "proportion",
        x_title=wording.name_of(name, label),
        y_title=_("Part"),
        rows_title=_("Rows"),
    )
    try:
        drawn = draw([figure])
    except ChartsFailed as failure:
        log.warning("The chart of a set was not drawn: %s", failure)
        return []
    return [
        {
            "name": one.name,
            "title": one.title,
            "description": one.description,
            "light": blobs.keep(one.light).digest,
            "dark": blobs.keep(one.dark).digest,
            "table": one.table.as_json(),
        }
        for one in drawn
    ]
