"""What a child hands back that hostile bytes have taken over: recorded as an error, never believed in part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evaluations.models import EvaluationRun, Metric
from governance import services
from ledger.models import Event
from models_registry.models import Inspection
from tests.plugins_versions import ACCEPTED, REFUSED, measured

pytestmark = pytest.mark.django_db


def metric(**more: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda answer: answer["metrics"][0].update(more)


_CHART = {
    "name": "a",
    "title": "A",
    "description": "One bar.",
    "kind": "bars",
    "columns": [{"key": key, "title": key} for key in ("label", "value", "n")],
    "rows": [{"label": "one", "value": 0.5, "low": 0.4, "high": 0.6, "n": 10}],
}
GARBLED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "not a number": metric(value=float("nan")),
    "no end": metric(high=float("inf")),
    "a text for a value": metric(value="0.99"),
    "true for a value": metric(value=True),
    "more rows than can be counted": metric(n=2**70),
    "a label too long to keep": metric(label="x" * 5000),
    "a metric twice": lambda answer: answer["metrics"].append(dict(answer["metrics"][0])),
    "no metrics": lambda answer: answer.pop("metrics"),
    "a text for the metrics": lambda answer: answer.update(metrics="accuracy"),
    "a text for the rows": lambda answer: answer.update(rows="600"),
    "a list for the reference": lambda answer: answer.update(reference=[1]),
    "a reference without numbers": lambda answer: answer["reference"].update(mean=[float("nan")] * 3),
    "a chart of nothing": lambda answer: answer.update(charts=[{"name": 1}]),
    "charts without end": lambda answer: answer.update(charts={"name": "x"}),
    "a chart twice": lambda answer: answer.update(charts=[_CHART, _CHART]),
    "a chart with a title too long": lambda answer: answer.update(charts=[{**_CHART, "title": "x" * 201}]),
    "nothing as the name of a number": metric(name=None),
    "no check": metric(check=None),
    "a number with a part of its own": metric(more=1),
    "a reference that has no digest": lambda answer: answer["reference"].update(more=2**70),
    "a gap that is a text": lambda answer: answer.update(not_run=["calibration"]),
    "a gap without a reason": lambda answer: answer.update(not_run=[{"check": "calibration"}]),
    "gaps that are none": lambda answer: answer.update(not_run={"check": "calibration"}),
    "versions of nothing": lambda answer: answer.update(versions={"torch": {"a": 1}}),
    "resources without end": lambda answer: answer.update(resources={"peak": float("inf")}),
    "a batch that is no number": lambda answer: answer.update(batch=float("nan")),
}


@pytest.mark.parametrize("what", GARBLED)
def test_an_answer_that_cannot_be_read_is_an_error(
    what: str, make_draft: Any, scientist: Any, inspect: Any, measure: Any, story: Any
) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    answer = measured()
    GARBLED[what](answer)
    measure(version, answer)
    run = EvaluationRun.objects.get(version=version)
    assert (run.state, Metric.objects.count()) == ("errored", 0)
    assert "cannot be read" in run.error
    assert Event.objects.get(type="evaluation.errored").data["ended"] == "garbled"
    assert story()[-1] == "evaluation.errored"


@pytest.mark.parametrize("answer", [[], [1], "all passed", 7, {}])
def test_an_answer_that_is_no_object_is_an_error(
    answer: Any, make_draft: Any, scientist: Any, inspect: Any, measure: Any
) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    measure(version, answer)
    run = EvaluationRun.objects.get(version=version)
    assert (run.state, Metric.objects.count()) == ("errored", 0) and "cannot be read" in run.error


def test_a_chart_that_has_its_shape_is_kept(make_draft: Any, scientist: Any, inspect: Any, measure: Any) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    (run,) = measure(version, {**measured(), "charts": [_CHART]})
    assert (run.state, [chart.title for chart in run.charts.all()]) == ("completed", ["A"])


INSPECTED: dict[str, Any] = {
    "a list": [ACCEPTED],
    "a text": "accepted",
    "nothing": {},
    "a verdict of its own": {**ACCEPTED, "verdict": "splendid"},
    "a verdict that is a list": {**ACCEPTED, "verdict": ["accepted"]},
    "a format of its own": {**ACCEPTED, "format": "x" * 1000},
    "a reason that is a text": {**ACCEPTED, "reasons": ["refused"]},
    "a reason without a sentence": {**REFUSED, "reasons": [{"code": "global"}]},
    "no facts": {"verdict": "accepted", "format": "safetensors", "reasons": []},
    "facts that are a list": {**ACCEPTED, "facts": []},
    "facts without a digest": {**ACCEPTED, "facts": {"parameters": 2**70}},
    "facts without an end": {**ACCEPTED, "facts": {"parameters": float("inf")}},
}


@pytest.mark.parametrize("what", INSPECTED)
def test_an_inspection_that_cannot_be_read_is_an_error(what: str, make_draft: Any, scientist: Any, inspect: Any) -> None:
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version, INSPECTED[what])
    inspection = Inspection.objects.get(version=version)
    assert (inspection.state, inspection.facts, inspection.verdict) == ("errored", {}, "")
    assert "cannot be read" in inspection.error
    assert Event.objects.get(type="inspection.errored").data["ended"] == "garbled"
    version.refresh_from_db()
    assert version.state == "submitted" and not EvaluationRun.objects.exists()
