"""The performance check on each task: numbers equal their oracles, charts carry what they say, groups widen intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as oracle

from core.charts import figure_of
from evaluations.engine.checks.performance import Performance, areas
from evaluations.engine.inference import Answers
from evaluations.engine.subject import Subject
from evaluations.engine.tasks import Task
from evaluations.wording import name_of
from tests.evaluations.engine_cast import Answer

RNG = np.random.default_rng(21)
X = torch.tensor(RNG.normal(size=(400, 6)), dtype=torch.float32)
NOISE = torch.tensor(RNG.normal(size=(400, 6)), dtype=torch.float32)
BIT = (X[:, 0] + NOISE[:, 0] > 0.7).long()
LABELS = (X[:, :3] + NOISE[:, :3] > torch.tensor([0.0, 1.0, -0.5])).long()
SUITE = [{"name": "performance", "replicates": 200}]


def number(result, name, label=""):
    return next(m for m in result["metrics"] if (m["name"], m["label"]) == (name, label))


def values(result):
    return {m["name"]: m["value"] for m in result["metrics"] if not m["label"]}


def readable(result):
    """Every number has its interval and a name, and every chart can be drawn."""
    for m in result["metrics"]:
        assert m["n"] >= 0 and len(m["method"]) <= 64 and name_of(m["name"], m["label"])
        assert m["low"] is None or m["low"] <= m["value"]
        assert m["high"] is None or m["value"] <= m["high"]
        assert m["confidence"] == 0.95 or m["method"].startswith("counted")
    for chart in result["charts"]:
        figure = figure_of(chart)
        assert figure.table.rows and figure.description.endswith(".")
        assert {column["key"] for column in chart["columns"]} == set(chart["rows"][0])
    return {chart["name"] for chart in result["charts"]}


def test_a_binary_model_is_measured_as_the_oracles_measure_it(evaluate):
    suite = [{"name": "performance", "replicates": 200, "values": [[0, -1], [-20, 10]]}]
    result = evaluate(Answer(lambda x: 2 * x[:, 0] - 1), X, BIT, task="binary", classes=["healthy", "ill"], suite=suite)
    p = torch.sigmoid(2 * X[:, 0] - 1).double().numpy()
    truth, predicted = BIT.numpy(), (p > 0.5).astype(int)
    table = oracle.confusion_matrix(truth, predicted)
    expected = {
        "accuracy": oracle.accuracy_score(truth, predicted),
        "sensitivity": oracle.recall_score(truth, predicted),
        "specificity": oracle.recall_score(truth, predicted, pos_label=0),
        "ppv": oracle.precision_score(truth, predicted),
        "npv": oracle.precision_score(truth, predicted, pos_label=0),
        "f1": oracle.f1_score(truth, predicted),
        "auroc": oracle.roc_auc_score(truth, p),
        "average_precision": oracle.average_precision_score(truth, p),
        "brier_score": oracle.brier_score_loss(truth, p),
        "log_loss": oracle.log_loss(truth, p),
        "expected_value": (table * np.array([[0, -1], [-20, 10]])).sum() / 400,
    }
    found = values(result)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name
    assert number(result, "sensitivity")["n"] == truth.sum() and number(result, "npv")["n"] == (predicted == 0).sum()
    assert readable(result) == {"confusion", "recall", "precision", "roc", "precision_recall"}
    roc = next(chart for chart in result["charts"] if chart["name"] == "roc")
    drawn = [(row["x"], row["y"]) for row in roc["rows"] if row["series"] == "Model"]
    assert drawn[0] == (0.0, 0.0) and drawn[-1] == (1.0, 1.0) and len(drawn) <= 202
    assert np.trapezoid([y for _x, y in drawn], [x for x, _y in drawn]) == pytest.approx(found["auroc"], abs=0.01)


def test_many_rows_are_counted_in_bins_of_log_odds(evaluate, monkeypatch):
    job = {"task": "binary", "classes": ["healthy", "ill"], "suite": SUITE}
    exact = evaluate(Answer(lambda x: 2 * x[:, 0] - 1), X, BIT, **job)
    monkeypatch.setattr(areas, "KEPT_ROWS", 100)
    counted = evaluate(Answer(lambda x: 2 * x[:, 0] - 1), X, BIT, **job)
    for name in ("auroc", "average_precision"):
        for key in ("value", "low", "high"):
            assert number(counted, name)[key] == pytest.approx(number(exact, name)[key], abs=2e-3), (name, key)
    assert "roc" in readable(counted)


def test_each_class_has_its_area(evaluate, monkeypatch):
    y = torch.tensor(RNG.integers(0, 3, 400))
    say = Answer(lambda x: x[:, :3] + 0.0)
    result = evaluate(say, X, y, classes=["a", "b", "c"], suite=SUITE)
    p = torch.softmax(X[:, :3].double(), dim=1).numpy()
    for k, label in enumerate("abc"):
        assert number(result, "auroc", label)["value"] == pytest.approx(oracle.roc_auc_score(y == k, p[:, k]))
        assert number(result, "average_precision", label)["value"] == pytest.approx(
            oracle.average_precision_score(y == k, p[:, k])
        )
    expected = oracle.roc_auc_score(y, p, multi_class="ovr")
    assert number(result, "macro_auroc")["value"] == pytest.approx(expected)
    mean = number(result, "macro_auroc")
    assert mean["low"] < 0.5 < mean["high"] and mean["high"] - mean["low"] < 0.12
    monkeypatch.setattr(areas, "KEPT_CLASSES", 2)
    counted = evaluate(say, X, y, classes=["a", "b", "c"], suite=SUITE)
    assert number(counted, "macro_auroc")["value"] == pytest.approx(expected, abs=1e-3)
    readable(counted)


def test_labels_are_measured_as_the_oracles_measure_them(evaluate):
    result = evaluate(Answer(lambda x: 2 * x[:, :3]), X, LABELS, task="multilabel", classes=["a", "b", "c"], suite=SUITE)
    p = torch.sigmoid(2 * X[:, :3]).double().numpy()
    truth, predicted = LABELS.numpy(), (p >= 0.5).astype(int)
    found = values(result)
    expected = {
        "subset_accuracy": oracle.accuracy_score(truth, predicted),
        "hamming_loss": oracle.hamming_loss(truth, predicted),
        "macro_auroc": oracle.roc_auc_score(truth, p, average="macro"),
        "macro_average_precision": oracle.average_precision_score(truth, p, average="macro"),
        "log_loss": np.mean([oracle.log_loss(truth[:, k], p[:, k]) for k in range(3)]),
    }
    for average in ("micro", "macro"):
        expected[f"{average}_precision"] = oracle.precision_score(truth, predicted, average=average)
        expected[f"{average}_recall"] = oracle.recall_score(truth, predicted, average=average)
        expected[f"{average}_f1"] = oracle.f1_score(truth, predicted, average=average)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name
    assert number(result, "recall", "b")["value"] == pytest.approx(oracle.recall_score(truth, predicted, average=None)[1])
    assert number(result, "hamming_loss")["n"] == 400
    assert readable(result) == {"recall", "precision", "auroc"}


def test_a_label_without_rows_is_not_known(evaluate):
    nothing = LABELS.clone()
    nothing[:, 1] = 0
    say = Answer(lambda x: 2 * x[:, :3] - 50 * torch.tensor([0, 1, 0]))
    result = evaluate(say, X, nothing, task="multilabel", classes=["a", "b", "c"], suite=SUITE)
    assert number(result, "recall", "b")["n"] == number(result, "precision", "b")["n"] == number(result, "auroc", "b")["n"] == 0
    truth = nothing.numpy()
    predicted = (torch.sigmoid(2 * X[:, :3]).numpy() >= 0.5) * np.array([1, 0, 1])
    expected = oracle.f1_score(truth, predicted, average="macro", zero_division=np.nan)
    assert number(result, "macro_f1")["value"] == pytest.approx(expected)
    readable(result)


def test_numbers_are_measured_as_the_oracles_measure_them(evaluate):
    y = (X[:, 0] + 0.3 * NOISE[:, 0] + 5).double()
    result = evaluate(Answer(lambda x: x[:, 0] + 5.1), X, y, task="regression", classes=[], suite=SUITE)
    p, truth, found = (X[:, 0] + 5.1).double().numpy(), y.numpy(), values(result)
    errors = np.sort(np.abs(p - truth))
    expected = {
        "rmse": math.sqrt(oracle.mean_squared_error(truth, p)),
        "mae": oracle.mean_absolute_error(truth, p),
        "bias": (p - truth).mean(),
        "r2": oracle.r2_score(truth, p),
        "mape": oracle.mean_absolute_percentage_error(truth, p),
        "median_ae": errors[199],
        "p95_ae": errors[379],
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    assert readable(result) == {"residuals", "predicted_true"}


def test_declared_quantiles_are_measured(evaluate):
    z = 1.6449
    y = (X[:, 0] + NOISE[:, 0]).double()
    say = Answer(lambda x: torch.stack([x[:, 0] - z, x[:, 0], x[:, 0] + z], dim=1))
    result = evaluate(say, X, y, task="regression", classes=["0.05", "0.5", "0.95"], suite=SUITE)
    coverage = number(result, "interval_coverage", "0.05–0.95")
    inside = ((y - X[:, 0]).abs() <= z).double().mean()
    assert coverage["value"] == pytest.approx(float(inside)) and coverage["method"] == "jeffreys"
    for level, shift in ((0.05, -z), (0.5, 0.0), (0.95, z)):
        expected = oracle.mean_pinball_loss(y.numpy(), X[:, 0].double().numpy() + shift, alpha=level)
        assert number(result, "pinball_loss", f"{level:g}")["value"] == pytest.approx(expected, rel=1e-5)
    readable(result)


def test_rankings_are_measured_query_by_query(evaluate):
    relevance = (2 * X[:, 0] + NOISE[:, 0]).clamp(min=0).round().float()
    more = {"columns": {"query": torch.arange(400) % 40}}
    job = {"task": "ranking", "classes": [], "suite": [{"name": "performance", "cuts": [3]}], "more": more}
    result = evaluate(Answer(lambda x: x[:, 0]), X, relevance, reading={"group": "query"}, **job)
    per_query = [
        oracle.ndcg_score(relevance[q::40][None].numpy(), X[q::40, 0][None].numpy(), k=3)
        for q in range(40)
        if (relevance[q::40] > 0).any()
    ]
    assert number(result, "ndcg", "3")["value"] == pytest.approx(np.mean(per_query))
    assert number(result, "ndcg", "3")["n"] == len(per_query)
    assert number(result, "queries_without_relevant")["value"] == 40 - len(per_query)
    assert readable(result) == {"ranking"}
    alone = evaluate(Answer(lambda x: x[:, 0]), X, relevance, **job)
    assert "name the column of the query" in alone["not_run"][0]["reason"] and not alone["metrics"]


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_rows_of_one_group_widen_the_intervals_and_move_no_value(evaluate, task):
    people = torch.arange(400) // 20
    x = X.clone()
    x[:, :3] += 1.5 * torch.tensor(RNG.normal(size=(20, 3)), dtype=torch.float32)[people]
    best = X[:, :3].argmax(dim=1)
    y = {"binary": BIT, "multiclass": best, "multilabel": LABELS, "regression": X.sum(dim=1)}[task]
    classes = {"binary": ["a", "b"], "regression": []}.get(task, ["a", "b", "c"])
    say = {"binary": lambda x: x[:, 0], "regression": lambda x: x.sum(dim=1)}.get(task, lambda x: x[:, :3])
    job = {"task": task, "classes": classes, "suite": [{"name": "performance", "replicates": 500, "top_k": [2]}]}
    plain = evaluate(Answer(say), x, y, **job)
    grouped = evaluate(Answer(say), x, y, **job, more={"columns": {"group": people}})
    wider = 0
    for one, other in zip(plain["metrics"], grouped["metrics"], strict=True):
        assert (one["name"], one["label"]) == (other["name"], other["label"])
        assert other["value"] == pytest.approx(one["value"], rel=1e-9), one["name"]
        if None not in (one["low"], one["high"], other["low"], other["high"]):
            wider += other["high"] - other["low"] > one["high"] - one["low"]
    assert wider >= 0.7 * len(plain["metrics"])
    key = {"regression": "rmse", "multilabel": "subset_accuracy"}.get(task, "accuracy")
    narrow, wide = number(plain, key), number(grouped, key)
    assert wide["high"] - wide["low"] > 1.2 * (narrow["high"] - narrow["low"])
    readable(grouped)


@pytest.mark.parametrize("task", ["binary", "multilabel", "regression", "ranking"])
def test_one_row_is_measured_and_says_how_little_it_knows(evaluate, task):
    y = {"binary": BIT[:1], "multilabel": LABELS[:1]}.get(task, X[:1, 0].abs())
    say = {"multilabel": lambda x: x[:, :3]}.get(task, lambda x: x[:, 0])
    classes = {"binary": ["a", "b"], "multilabel": ["a", "b", "c"]}.get(task, [])
    more = {"columns": {"group": torch.zeros(1).long()}}
    result = evaluate(Answer(say), X[:1], y, task=task, classes=classes, suite=SUITE, more=more)
    assert "error" not in result, result
    readable(result)


def test_a_value_matrix_of_another_size_is_refused(evaluate):
    suite = [{"name": "performance", "values": [[1]]}]
    result = evaluate(Answer(lambda x: x[:, 0]), X, BIT, task="binary", classes=["a", "b"], suite=suite)
    assert "value matrix has 2 rows" in result["error"]


def test_chunks_add_up_in_every_task():
    """The same answers in one chunk and in seven give the same numbers."""
    rng = np.random.default_rng(5)
    for name, classes in (("multilabel", ["a", "b"]), ("regression", ["0.1", "0.5", "0.9"]), ("binary", ["a", "b"])):
        task = Task(name, classes)
        subject = Subject(torch.nn.Identity(), name, classes, 300, 64, 1, 0)
        outputs = np.sort(rng.random((300, task.width)), axis=1)
        if name == "binary":
            outputs[:, 0] = 1 - outputs[:, 1]
        targets = {"multilabel": rng.integers(0, 2, (300, 2)), "binary": rng.integers(0, 2, 300)}.get(name, rng.random(300))
        found = []
        for parts in (1, 7):
            check = Performance(subject, replicates=50)
            for rows in np.array_split(np.arange(300), parts):
                held = outputs[rows]
                check.see(Answers(int(rows[0]), torch.zeros(len(rows), 1), targets[rows], held, task.predicted(held)))
            found.append(check.finish().metrics)
        for one, other in zip(*found, strict=True):
            assert (one.name, one.label, one.n) == (other.name, other.label, other.n)
            assert one.value == pytest.approx(other.value, rel=1e-9)
