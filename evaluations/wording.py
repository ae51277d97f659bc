"""The sentences of verdicts: every number with its interval and sample size, beside the threshold that it is held against."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, ngettext_lazy

from core.quantities import between, figure, scale_of, write, write_exactly
from evaluations.names import BY_CLASS, BY_COLUMN, METHODS, TREATED, measure_title, unit_of

if TYPE_CHECKING:
    from evaluations.verdicts import Measured, Threshold

ROWS = {
    "recall": ngettext_lazy("%(n)s row of the class", "%(n)s rows of the class", "count"),
    "precision": ngettext_lazy("%(n)s row predicted as the class", "%(n)s rows predicted as the class", "count"),
    "f1": ngettext_lazy("%(n)s row that is or was taken for it", "%(n)s rows that are or were taken for it", "count"),
    "ndcg": ngettext_lazy("%(n)s query", "%(n)s queries", "count"),
    "mrr": ngettext_lazy("%(n)s query", "%(n)s queries", "count"),
    "map": ngettext_lazy("%(n)s query", "%(n)s queries", "count"),
    "sensitivity": ngettext_lazy("%(n)s positive row", "%(n)s positive rows", "count"),
    "specificity": ngettext_lazy("%(n)s negative row", "%(n)s negative rows", "count"),
    "ppv": ngettext_lazy("%(n)s row predicted positive", "%(n)s rows predicted positive", "count"),
    "npv": ngettext_lazy("%(n)s row predicted negative", "%(n)s rows predicted negative", "count"),
    "latency_p50": ngettext_lazy("%(n)s timed batch", "%(n)s timed batches", "count"),
    "latency_p95": ngettext_lazy("%(n)s timed batch", "%(n)s timed batches", "count"),
    "latency_p99": ngettext_lazy("%(n)s timed batch", "%(n)s timed batches", "count"),
    "throughput": ngettext_lazy("%(n)s timed batch", "%(n)s timed batches", "count"),
}
ANY_ROWS = ngettext_lazy("%(n)s row", "%(n)s rows", "count")
_MOST_DECIMALS = 6


def name_of(metric: str, label: str = "") -> str:
    """A metric as people read it: "Recall of class 8", "Top-3 accuracy"."""
    if metric == "top_k_accuracy" and label:
        return _("Top-%(k)s accuracy") % {"k": label}
    if metric == "ndcg" and label:
        return f"NDCG@{label}"
    name = measure_title(metric)
    if not label:
        return name
    words = {"name": name, "label": label}
    if " = " in label:  # a part of the data: column = value
        return _("%(name)s where %(label)s") % words
    if metric.startswith(TREATED):
        return _("%(name)s: %(label)s") % words
    if metric.startswith(BY_COLUMN):
        return _("%(name)s by %(label)s") % words
    if metric in BY_CLASS:
        return _("%(name)s of class %(label)s") % words
    return _("%(name)s of %(label)s") % words


def kind_of(check: str, metric: str, *, count: int = 1) -> str:
    """What the labels of a measure stand for: class, part, group, column, case."""
    if check == "slices":
        return ngettext("part", "parts", count)
    if metric.startswith(BY_COLUMN):
        return ngettext("column", "columns", count)
    if check == "fairness":
        return ngettext("group", "groups", count)
    if metric in BY_CLASS or check == "calibration":
        return ngettext("class", "classes", count)
    return ngettext("case", "cases", count)


def title_of(threshold: Threshold) -> str:
    """The threshold as the title of its check: "Accuracy, at least 95 %", "Recall of every class, at least 80 %"."""
    name = name_of(threshold.metric, "" if threshold.label == "*" else threshold.label)
    words = {"what": name, "limit": limit_of(threshold), "kind": kind_of(threshold.check, threshold.metric)}
    if threshold.label == "*" and threshold.check in ("slices", "fairness"):
        least, most = _("%(what)s in every %(kind)s, at least %(limit)s"), _("%(what)s in every %(kind)s, at most %(limit)s")
    elif threshold.label == "*":
        least, most = _("%(what)s of every %(kind)s, at least %(limit)s"), _("%(what)s of every %(kind)s, at most %(limit)s")
    else:
        least, most = _("%(what)s, at least %(limit)s"), _("%(what)s, at most %(limit)s")
    return (least if threshold.is_minimum else most) % words


def subject_of(line: Mapping[str, Any]) -> str:
    """What a policy's line is about: "Accuracy", "Recall of the worst class"."""
    metric, label = str(line.get("metric", "")), str(line.get("label", ""))
    if label == "*":
        kind = kind_of(str(line.get("check", "")), metric)
        return _("%(what)s of the worst %(kind)s") % {"what": name_of(metric), "kind": kind}
    return name_of(metric, label)


def method_of(method: str) -> str:
    """How an interval was made, as people read it: "Jeffreys interval"; what is not known is shown as it was recorded."""
    name, comma, how = method.partition(", ")
    words = str(METHODS.get(name, name[:1].upper() + name[1:]))
    return f"{words}, {how}" if comma else words


def limit_of(threshold: Threshold, *, unit: str = "") -> str:
    """The threshold as people read it, with no more digits than it has; in the unit that was measured, where it is known."""
    return write_exactly(threshold.limit, unit or unit_of(threshold.metric))


def rows_of(m: Measured) -> str:
    """The sample size in words: "45 rows of the class"."""
    return ROWS.get(m.name, ANY_ROWS) % {"count": m.n, "n": f"{m.n:,}"}


def interval_of(m: Measured, *, limit: float | None = None) -> tuple[str, str]:
    """The value, and its interval with the sample size, in words; with so many digits that rounding never makes a bound look
    like the `limit` that it misses."""
    numbers = [x for x in (m.value, m.low, m.high) if x is not None]
    factor, behind, decimals = scale_of(m.unit, at=_largest(m))
    while limit is not None and decimals < _MOST_DECIMALS and any(_hides(x * factor, limit * factor, decimals) for x in numbers):
        decimals += 1

    def digits(x: float) -> str:
        return figure(x * factor, decimals=decimals)

    value = digits(m.value) + behind if m.unit != "p" else write(m.value, m.unit)
    if m.confidence is None:
        return value, _("counted, not estimated")
    words = {"confidence": f"{m.confidence * 100:g} %", "rows": rows_of(m), "unit": behind}
    if m.low is not None and m.high is not None:
        return value, _("%(confidence)s interval %(range)s%(unit)s, %(rows)s") % {
            **words,
            "range": between(digits(m.low), digits(m.high)),
        }
    if m.low is not None:
        return value, _("at least %(low)s%(unit)s at %(confidence)s, no upper bound, %(rows)s") % {**words, "low": digits(m.low)}
    if m.high is not None:
        return value, _("at most %(high)s%(unit)s at %(confidence)s, no lower bound, %(rows)s") % {
            **words,
            "high": digits(m.high),
        }
    return value, _("no bound at %(confidence)s, %(rows)s") % words


def _largest(m: Measured) -> float:
    """The number that decides in which unit, and with how many digits, all of them are written."""
    return max(abs(x) for x in (m.value, m.low, m.high) if x is not None)


def bounds_of(m: Measured) -> str:
    """The interval alone: "90.0–98.0 %"; empty where there is none, with words where one side is open."""
    if m.confidence is None:
        return ""
    factor, behind, decimals = scale_of(m.unit, at=_largest(m))
    low, high = (None if x is None else figure(x * factor, decimals=decimals) for x in (m.low, m.high))
    if low is not None and high is not None:
        return between(low, high) + behind
    if low is not None:
        return _("at least %(low)s") % {"low": low + behind}
    return _("at most %(high)s") % {"high": high + behind} if high is not None else _("no bound")


def missing(threshold: Threshold) -> str:
    """The sentence of a threshold whose number is not there."""
    label = "" if threshold.label == "*" else threshold.label
    return _("%(what)s was not measured, so %(limit)s is not shown to be met.") % {
        "what": name_of(threshold.metric, label),
        "limit": _limit_words(threshold),
    }


def measured_twice(threshold: Threshold) -> str:
    """The sentence of a threshold that two numbers answer to."""
    return _("%(what)s was recorded more than once, so it is not clear which number counts.") % {
        "what": name_of(threshold.metric)
    }


def sentence(outcome: str, m: Measured, threshold: Threshold, *, rows_needed: int | None, among: int = 0, alike: int = 0) -> str:
    """One sentence that says what was measured, against what, and what follows; `among` classes the worst was taken from,
    `alike` of which came out the same."""
    subject = name_of(m.name, m.label)
    if among:
        kinds = {"what": subject, "count": f"{among:,}", "kind": kind_of(threshold.check, threshold.metric, count=among)}
        subject = _("%(what)s, the worst of %(count)s %(kind)s,") % kinds
    limit = _limit_words(threshold, unit=m.unit)
    if outcome == "not_run":
        if m.n <= 0:
            return _("%(what)s is not known, because there is no row that tells: %(limit)s is not shown to be met.") % {
                "what": name_of(m.name, m.label),
                "limit": limit,
            }
        return _("%(what)s was recorded as something that is no measurement: %(limit)s is not shown to be met.") % {
            "what": name_of(m.name, m.label),
            "limit": limit,
        }
    value, interval = interval_of(m, limit=threshold.limit)
    measured = {"what": subject, "value": value, "interval": interval, "limit": limit}
    if m.confidence is None:
        text = (
            _("%(what)s %(value)s (%(interval)s) keeps %(limit)s.")
            if outcome == "passed"
            else _("%(what)s %(value)s (%(interval)s) misses %(limit)s.")
        )
        return text % measured
    safe, other = (_("lower"), _("upper")) if threshold.is_minimum else (_("upper"), _("lower"))
    if outcome == "passed":
        return _("%(what)s %(value)s (%(interval)s) meets %(limit)s on its %(bound)s bound.") % {**measured, "bound": safe}
    if outcome == "failed":
        text = _("%(what)s %(value)s (%(interval)s) misses %(limit)s even on its %(bound)s bound.") % {**measured, "bound": other}
        return text + _also(alike, threshold)
    text = _("%(what)s %(value)s (%(interval)s) does not settle %(limit)s, because that lies inside the interval") % measured
    if rows_needed is None:
        return text + "." + _also(alike, threshold)
    needed = _("%(text)s; about %(n)s %(rows)s at the same rate would settle it.") % {
        "text": text,
        "n": f"{_rounded_up(rows_needed):,}",
        "rows": _kind_of_rows(m.name),
    }
    return needed + _also(alike, threshold)


def _also(alike: int, threshold: Threshold) -> str:
    if alike < 2:
        return ""
    kind = kind_of(threshold.check, threshold.metric, count=alike - 1)
    return " " + _("The same holds for %(n)s other %(kind)s.") % {"n": f"{alike - 1:,}", "kind": kind}


def _kind_of_rows(metric: str) -> str:
    if metric.startswith("latency") or metric == "throughput":
        return _("timed batches")
    return {"recall": _("rows of the class"), "precision": _("rows predicted as the class")}.get(metric, _("rows"))


def _limit_words(threshold: Threshold, *, unit: str = "") -> str:
    words = {"limit": limit_of(threshold, unit=unit)}
    return _("the minimum of %(limit)s") % words if threshold.is_minimum else _("the maximum of %(limit)s") % words


def _hides(number: float, limit: float, decimals: int) -> bool:
    return number != limit and round(number, decimals) == round(limit, decimals)


def _rounded_up(rows: int) -> int:
    """Two leading digits, upwards: a plan, not a measurement."""
    if rows < 100:
        return rows
    step = 10 ** (int(math.log10(rows)) - 1)
    return math.ceil(rows / step) * step
