"""Explanations equal what is known exactly, notice when they miss something, and are put to the test."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from evaluations.engine.attributions import integrated_gradients
from evaluations.engine.checks.explanation import names_of
from evaluations.engine.gradients import Differentiable
from evaluations.engine.subject import Subject
from tests.evaluations.engine_cast import CLASSES, Answer, trained_cnn


@pytest.fixture(scope="module")
def cnn():
    return trained_cnn()


def _metric(result, name, label=""):
    return next(m for m in result["metrics"] if (m["name"], m["label"]) == (name, label))


def _attributed(say, x, column, *, task="multiclass", classes=("a", "b"), baseline=None, nodes=50, batch=3):
    model = Differentiable(Subject(Answer(say), task, list(classes), len(x), batch, 1, 0))
    base = torch.zeros_like(x[:1]) if baseline is None else baseline
    return integrated_gradients(model, x, base, np.full(len(x), column), batch=batch, nodes=nodes)


def test_on_a_linear_model_the_attribution_is_weight_times_input():
    x, w = torch.randn(8, 5), torch.randn(5, 2)
    base = torch.randn(1, 5)
    found = _attributed(lambda at: at @ w + 3, x, 1, baseline=base)
    assert found.values == pytest.approx(((x - base) * w[:, 1]).double().numpy(), abs=1e-5)
    assert found.gap == pytest.approx(np.zeros(8), abs=1e-4)


def test_on_polynomials_the_attribution_is_the_integral():
    """Of x0^2 x1 along the straight path from 0: 2/3 belongs to x0, 1/3 to x1; few nodes are exact."""
    x = torch.rand(7, 2) + 0.5
    whole = (x[:, 0] ** 2 * x[:, 1]).double().numpy()
    found = _attributed(lambda at: torch.stack([at[:, 0] ** 2 * at[:, 1], at[:, 0]], 1), x, 0, nodes=2)
    assert found.values == pytest.approx(np.column_stack([whole * 2 / 3, whole / 3]), rel=1e-5)
    assert found.change == pytest.approx(whole, rel=1e-6)


def test_the_digits_explanation_adds_up_and_finds_what_matters(evaluate, cnn, hold_out):
    result = evaluate(cnn, *hold_out, suite=[{"name": "explanation"}])
    gap = _metric(result, "completeness_gap")
    assert gap["value"] < 0.01 and gap["high"] < 0.05 and gap["n"] == 256
    top = _metric(result, "erased_accuracy", "10 most important positions")
    random = _metric(result, "erased_accuracy", "10 random positions")
    apart = _metric(result, "deletion_gap")
    assert top["high"] < random["low"] and apart["value"] == pytest.approx(random["value"] - top["value"]) and apart["low"] > 0.3
    named = [m for m in result["metrics"] if m["name"] == "importance"]
    assert len(named) == 20 and [m["value"] for m in named] == sorted((m["value"] for m in named), reverse=True)
    assert all(m["low"] < m["value"] < m["high"] and m["n"] == 256 for m in named)
    (chart,) = result["charts"]
    assert chart["kind"] == "heat" and len(chart["rows"]) == 64
    assert max(chart["rows"], key=lambda one: one["value"])["value"] == named[0]["value"]
    corners = [one["value"] for one in chart["rows"] if one["column"] in ("column 0", "column 7")]
    assert max(corners) < 0.2 * named[0]["value"]  # where digits have no ink
    assert "Integrated gradients of 256 rows" in chart["description"] and "random ones" in chart["description"]


def test_the_importance_of_a_column_is_its_mean_absolute_attribution(evaluate):
    x, w = torch.randn(300, 4), torch.tensor([[3.0, 0.0], [0.0, -1.0], [0.5, 0.0], [0.0, 0.0]])
    y = (x @ w).argmax(dim=1)
    suite = [{"name": "explanation", "rows": 1000, "deleted": 0.3}]
    result = evaluate(Answer(lambda at: at @ w), x, y, suite=suite, classes=["a", "b"])
    chosen = w[:, y].T
    expected = (chosen * x).abs().double().mean(dim=0)
    for i in range(4):
        assert _metric(result, "importance", f"column {i}")["value"] == pytest.approx(float(expected[i]), rel=1e-5, abs=1e-9)
    (chart,) = result["charts"]
    assert chart["kind"] == "bars" and chart["rows"][0]["label"] == "column 0"
    assert _metric(result, "erased_accuracy", "1 most important positions")["value"] < 0.9


def test_images_larger_than_the_map_are_put_together_in_cells_that_cover_all(evaluate):
    x = torch.rand(12, 3, 40, 33)
    w = torch.randn(3 * 40 * 33, 2)
    result = evaluate(
        Answer(lambda at: at.flatten(1) @ w), x, torch.zeros(12).long(), suite=[{"name": "explanation"}], classes=["a", "b"]
    )
    cells = result["charts"][0]["rows"]
    assert len(cells) == 256 and cells[0]["row"] == "row 0–1" and cells[-1]["column"] == "column 30–32"
    chosen = w[:, (x.flatten(1) @ w).argmax(dim=1)].T
    expected = (x.flatten(1) * chosen).abs().double().sum(dim=1).mean()
    assert sum(one["value"] for one in cells) == pytest.approx(float(expected), rel=1e-5)


def test_an_explanation_that_does_not_add_up_says_so(evaluate):
    """A staircase: nearly all of its change lies in jumps that no gradient sees."""
    w = torch.randn(6, 2)
    stairs = Answer(lambda at: at @ w * 0.1 + ((at @ w) > 0.3) * 5.0)
    x = torch.randn(50, 6)
    result = evaluate(stairs, x, torch.zeros(50).long(), suite=[{"name": "explanation"}], classes=["a", "b"])
    assert _metric(result, "completeness_gap")["low"] > 0.5
    assert "too much to believe them" in result["charts"][0]["description"]


def test_a_model_that_ignores_its_inputs_has_no_explanation(evaluate):
    x = torch.randn(20, 3)
    flat = Answer(lambda at: at @ torch.zeros(3, 2))
    result = evaluate(flat, x, torch.zeros(20).long(), suite=[{"name": "explanation"}], classes=["a", "b"])
    assert "there is nothing to explain" in result["not_run"][0]["reason"]


@pytest.mark.parametrize(
    ("job", "shape", "y"),
    [
        ({"task": "regression", "classes": []}, (6, 1), torch.randn(40)),
        ({"task": "regression", "classes": ["0.1", "0.5", "0.9"]}, (6, 3), torch.randn(40)),
        ({"task": "binary", "classes": ["no", "yes"]}, (6, 1), torch.ones(40).long()),
        ({"task": "multilabel", "classes": ["a", "b", "c"]}, (6, 3), torch.ones(40, 3).long()),
    ],
)
def test_every_task_is_explained_and_the_mean_may_be_the_baseline(evaluate, job, shape, y):
    torch.manual_seed(0)
    w, x = torch.randn(*shape), torch.randn(40, 6) + 2
    result = evaluate(Answer(lambda at: at @ w), x, y, suite=[{"name": "explanation", "baseline": "mean"}], **job)
    assert result["not_run"] == [] and _metric(result, "completeness_gap")["value"] < 1e-3
    if len(job["classes"]) == 3 and job["task"] == "regression":
        expected = ((x - x.mean(dim=0)) * w[:, 1]).abs().double().mean(dim=0)  # the median is what is predicted
        assert _metric(result, "importance", "column 0")["value"] == pytest.approx(float(expected[0]), rel=1e-4)


def test_series_and_single_numbers_have_positions_too(evaluate):
    w = torch.randn(5 * 3, 2)
    suite = [{"name": "explanation"}]
    series = evaluate(
        Answer(lambda at: at.flatten(1) @ w), torch.randn(20, 5, 3), torch.zeros(20).long(), suite=suite, classes=["a", "b"]
    )
    assert series["charts"][0]["kind"] == "heat" and len(series["charts"][0]["rows"]) == 15
    one = evaluate(
        Answer(lambda at: torch.stack([at, -at], dim=1)),
        torch.randn(20) + 3,
        torch.zeros(20).long(),
        suite=suite,
        classes=["a", "b"],
    )
    assert "nothing can be erased" in one["charts"][0]["description"] and not one["not_run"]


def test_the_same_run_gives_the_same_explanation(evaluate, cnn, hold_out):
    suite = [{"name": "explanation", "rows": 40}]
    assert json.dumps(evaluate(cnn, *hold_out, suite=suite)) == json.dumps(evaluate(cnn, *hold_out, suite=suite))
    assert CLASSES and _metric(evaluate(cnn, *hold_out, suite=suite, seed=2), "completeness_gap")["n"] == 40


@pytest.mark.parametrize("wrong", [{"baseline": "noise"}, {"deleted": 1.0}, {"nodes": 0}])
def test_an_explanation_that_makes_no_sense_gets_a_sentence(evaluate, cnn, hold_out, wrong):
    assert "An explanation needs the baseline" in evaluate(cnn, *hold_out, suite=[{"name": "explanation", **wrong}])["error"]


def test_declared_features_are_called_by_their_names(evaluate):
    reading = {
        "features": [{"name": "age", "kind": "number"}, {"name": "sex", "kind": "category", "categories": ["f", "m"]}],
        "target": "ill",
    }
    assert names_of(reading) == ["age", "sex = f", "sex = m"]
    w = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    x = torch.randn(30, 3)
    suite = [{"name": "explanation"}]
    result = evaluate(Answer(lambda at: at @ w), x, torch.zeros(30).long(), suite=suite, classes=["a", "b"], reading=reading)
    assert {m["label"] for m in result["metrics"] if m["name"] == "importance"} == {"age", "sex = f", "sex = m"}
    assert names_of(None) == names_of({"group": "patient"}) == names_of({"features": [], "target": "y"}) == []
