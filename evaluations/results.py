"""What came back from the sandbox, before it is believed: the child had untrusted bytes in hand, so its answer is checked too."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.canonical import sha256_of
from core.charts import Chart
from evaluations import rendering
from sandbox import Outcome

MOST = 100_000  # numbers of one run: 2,000 classes have some 10,000
FEW = 1_000  # parts of which a run has some dozens: versions, gaps
LONGEST = 20_000  # characters of a sentence
COUNT = 2**53 - 1  # larger whole numbers cannot be recorded
TEXTS = {"check": 64, "name": 64, "label": 100, "method": 64, "unit": 32}  # characters, as the columns hold them
NUMBER = {*TEXTS, "value", "low", "high", "confidence", "n"}  # the parts of a metric


class NoAnswer(Exception):
    """The child answered nothing that is believed: `ended` says how in one word, the message in a sentence."""

    def __init__(self, ended: str, sentence: str) -> None:
        super().__init__(sentence)
        self.ended = ended


class Garbled(NoAnswer):
    """The answer does not have the shape that the child's program gives it; `where` is for whoever looks into it."""

    def __init__(self, where: str) -> None:
        super().__init__("garbled", _("What the measurement answered cannot be read, so nothing of it was believed."))
        self.where = where


def answer_of(outcome: Outcome) -> dict[str, Any]:
    """What the child answered, not yet believed. Raises NoAnswer where it did not come to its end, or could not measure."""
    found = outcome.result if isinstance(outcome.result, dict) else {}
    if outcome.ended != "finished" or found.get("error"):
        ended = outcome.ended if outcome.ended != "finished" else "misfit"
        raise NoAnswer(ended, str(found.get("error") or outcome.sentence)[:2000])
    return found


def columns_of(one: Mapping[str, Any]) -> dict[str, Any]:
    """A number of the child's answer under the names of a metric's columns."""
    texts = {name: one.get(name) or "" for name in ("label", "method", "unit")}
    bounds = {name: one.get(name) for name in ("low", "high", "confidence")}
    return {"check_name": one["check"], "name": one["name"], "value": one["value"], "n": one["n"], **texts, **bounds}


def drawn(found: Mapping[str, Any], thresholds: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """The charts of an answer whose every part has its shape. Raises Garbled."""
    believable(found)
    try:
        _drawable(found["charts"])
        return rendering.render(found["charts"], thresholds)
    except Garbled:
        raise
    except Exception as error:  # whatever a part of another shape leads to
        raise Garbled(type(error).__name__) from error


def believable(found: Mapping[str, Any]) -> None:
    """The numbers of an answer have their shape, its charts apart. Raises Garbled."""
    try:
        _metrics(found["metrics"])
        _reference(found["reference"])
        _expect(_count(found["rows"]) and isinstance(found["resources"], dict))
        _versions(found["versions"])
        _not_run(found.get("not_run", []))
        json.dumps(found, allow_nan=False)  # a column of JSON keeps no NaN and nothing without end
    except Garbled:
        raise
    except Exception as error:  # whatever a part of another shape leads to
        raise Garbled(type(error).__name__) from error


def _metrics(metrics: Any) -> None:
    _expect(isinstance(metrics, list) and len(metrics) <= MOST)
    named = set()
    for one in metrics:
        _expect(isinstance(one, dict))
        for key, longest in TEXTS.items():
            text = one.get(key) or ""
            _expect(isinstance(text, str) and len(text) <= longest)
        _expect(set(one) <= NUMBER and bool(one["check"]) and bool(one["name"]))
        _expect(_number(one["value"]) and _count(one["n"]))
        _expect(all(one.get(bound) is None or _number(one[bound]) for bound in ("low", "high", "confidence")))
        named.add((one["check"], one["name"], one.get("label") or ""))
    _expect(len(named) == len(metrics))


def _versions(versions: Any) -> None:
    _expect(isinstance(versions, dict) and len(versions) <= FEW)
    _expect(all(isinstance(text, str) and len(name) <= 64 and len(text) <= 200 for name, text in versions.items()))


def _not_run(gaps: Any) -> None:
    """A list of {"check", "reason"}."""
    _expect(isinstance(gaps, list) and len(gaps) <= FEW)
    for gap in gaps:
        _expect(isinstance(gap, dict) and isinstance(gap["check"], str) and isinstance(gap["reason"], str))
        _expect(len(gap["check"]) <= TEXTS["check"] and len(gap["reason"]) <= LONGEST)


def _drawable(charts: Any) -> None:
    """Each chart has a name of its own, and texts that fit their columns; its rows are judged by who draws it."""
    _expect(isinstance(charts, list) and len(charts) <= MOST)
    names = [chart["name"] for chart in charts]
    _expect(all(isinstance(name, str) and 0 < len(name) <= 64 for name in names) and len(set(names)) == len(names))
    _expect(all(isinstance(chart["title"], str) and len(chart["title"]) <= 200 for chart in charts))
    _expect(all(isinstance(chart["description"], str) and len(chart["description"]) <= LONGEST for chart in charts))


def _reference(reference: Any) -> None:
    """Nothing, or the rows with one mean and one variance for each class."""
    _expect(isinstance(reference, dict))
    if not reference:
        return
    sha256_of(reference)  # it is recorded by its digest, which not everything has
    mean, variance = reference["mean"], reference["variance"]
    _expect(_count(reference["n"]) and isinstance(mean, list) and isinstance(variance, list) and len(mean) == len(variance))
    _expect(all(_number(each) for each in [*mean, *variance]))


def _number(value: Any) -> bool:
    return abs(value) <= COUNT if type(value) is int else type(value) is float and math.isfinite(value)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= COUNT


def _expect(holds: bool) -> None:
    if not holds:
        raise Garbled("a part has another shape")
