"""The comparison with the version in production: real prediction files, differences as oracles form them, gaps said plainly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from sklearn import metrics as oracle

from evaluations.engine.checks.comparison import Comparison
from evaluations.engine.refusals import NotRun
from evaluations.engine.tasks import Task
from evaluations.verdicts import judge
from tests.evaluations.engine_cast import Answer, trained
from tests.evaluations.feeding import feed, subject, value

TASK = ("multiclass", ["a", "b", "c"])


@pytest.fixture
def made(tmp_path):
    """What a check finds on new outputs, given the old ones as a predictions file of the engine."""

    def run(targets, new, old, *, task=TASK, without=(), columns=None, **more):
        told = Task(*task)
        held = {"predicted": told.predicted(old), "probabilities": old.astype(np.float32)}
        kept = {name: np.ascontiguousarray(tensor) for name, tensor in held.items() if name not in without}
        save_file(kept, tmp_path / "old.safetensors")
        asked = subject(*task, len(targets), others={"production": tmp_path / "old.safetensors"}, **more)
        return feed(Comparison(asked, replicates=300), targets, new, task=task, columns=columns)

    return run


def answers(n=2000, *, seed=0, right=0.9):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    said = np.where(rng.random(n) < right, y, rng.integers(0, 3, n))
    return y, np.clip(np.eye(3)[said] * 0.7 + 0.1, 0, 1)


def test_differences_are_those_of_the_oracles(made):
    y, old = answers(right=0.85)
    _same, new = answers(right=0.93)
    found = made(y, new, old)
    a, b = old.argmax(axis=1), new.argmax(axis=1)
    expected = {
        "accuracy_change": oracle.accuracy_score(y, b) - oracle.accuracy_score(y, a),
        "macro_f1_change": oracle.f1_score(y, b, average="macro") - oracle.f1_score(y, a, average="macro"),
        "mcc_change": oracle.matthews_corrcoef(y, b) - oracle.matthews_corrcoef(y, a),
        "log_loss_change": oracle.log_loss(y, new) - oracle.log_loss(y, old),
        "churn": (a != b).mean(),
    }
    for name, number in expected.items():
        m = value(found, name)
        assert m.value == pytest.approx(number, abs=1e-6) and m.low <= m.value <= m.high and m.n == 2000, name
    assert value(found, "mcnemar_p_value").value < 0.01
    assert value(found, "gained_rows").value == ((b == y) & (a != y)).sum()
    assert value(found, "lost_rows").value == ((a == y) & (b != y)).sum()
    chart = found.charts[0]
    assert chart.rows[1]["mark"] == pytest.approx((a[y == 1] == 1).mean()) and "Of 2,000 rows" in chart.description


def test_the_margin_is_held_against_the_lower_bound(made):
    y, old = answers(right=0.9)
    line = {"check": "comparison", "metric": "accuracy_change", "label": "", "bound": "lower", "minimum": -0.02}

    def outcome(n):
        found = made(y[:n], old[:n], old[:n])  # the very same answers
        m = value(found, "accuracy_change")
        fields = {name: getattr(m, name) for name in m.__slots__}
        return judge([type("M", (), {**fields, "check_name": m.check})()], [line]).outcome

    assert (outcome(2000), outcome(30)) == ("passed", "inconclusive")


def test_a_worse_version_is_told_from_production(made):
    y, old = answers(right=0.95)
    _same, new = answers(right=0.7)
    found = made(y, new, old)
    assert value(found, "accuracy_change").high < -0.1 and value(found, "log_loss_change").low > 0


def test_probabilities_that_were_not_kept_leave_their_scores_out(made):
    y, old = answers()
    found = made(y, old, old, without=["probabilities"])
    names = {m.name for m in found.metrics}
    assert "accuracy_change" in names and not {"log_loss_change", "brier_score_change"} & names


def test_a_binary_models_area_is_compared_by_delong(made):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 800)
    old, new = (np.clip(0.5 + 0.2 * (2 * y - 1) + rng.normal(0, s, 800), 0.01, 0.99) for s in (0.4, 0.2))
    task = ("binary", ["well", "ill"])
    found = made(y, np.column_stack([1 - new, new]), np.column_stack([1 - old, old]), task=task)
    m = value(found, "auroc_change")
    assert m.value == pytest.approx(oracle.roc_auc_score(y, new) - oracle.roc_auc_score(y, old), abs=1e-5)
    assert m.low > 0 and m.method == "delong, paired"
    one_class = made(np.ones(50, dtype=int), np.tile([0.4, 0.6], (50, 1)), np.tile([0.4, 0.6], (50, 1)), task=task)
    assert "auroc_change" not in {m.name for m in one_class.metrics}


def test_numbers_are_compared_by_their_errors(made, tmp_path):
    rng = np.random.default_rng(0)
    y = rng.normal(size=1500)
    old, new = (y + rng.normal(0, s, 1500) for s in (1.0, 0.8))
    save_file({"predicted": old}, tmp_path / "old.safetensors")
    task = ("regression", [])
    asked = subject(*task, 1500, others={"production": tmp_path / "old.safetensors"})
    found = feed(Comparison(asked, replicates=300), y, new[:, None], task=task)
    expected = np.abs(new - y).mean() - np.abs(old - y).mean()
    m = value(found, "mae_change")
    assert m.value == pytest.approx(expected) and m.low <= expected <= m.high < 0
    assert value(found, "mse_change").value == pytest.approx(((new - y) ** 2 - (old - y) ** 2).mean())
    assert value(found, "mean_shift").value == pytest.approx(np.abs(new - old).mean()) and value(found, "churn").value == 1.0


def test_labels_are_compared_one_by_one(made):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (800, 3))
    old, new = (np.where(rng.random((800, 3)) < e, 1 - y, y) * 0.8 + 0.1 for e in (0.2, 0.1))
    found = made(y, new, old, task=("multilabel", ["a", "b", "c"]))
    expected = ((new > 0.5) == y).mean() - ((old > 0.5) == y).mean()
    assert value(found, "label_accuracy_change").value == pytest.approx(expected)
    assert value(found, "churn").value == pytest.approx(((new > 0.5) != (old > 0.5)).any(axis=1).mean())


def test_intervals_of_scores_cover_the_truth(made):
    """Old and new differ by noise alone: the true change of the Brier score is 0."""
    held = 0
    for seed in range(60):
        y, old = answers(150, seed=seed, right=0.8)
        _same, new = answers(150, seed=seed + 1000, right=0.8)
        y2, _ = answers(150, seed=seed)
        rng = np.random.default_rng(seed)
        new = np.clip(np.eye(3)[np.where(rng.random(150) < 0.8, y2, rng.integers(0, 3, 150))] * 0.7 + 0.1, 0, 1)
        m = value(made(y, new, old), "brier_score_change")
        held += m.low <= 0.0 <= m.high
    assert held >= 54


def test_one_row_says_nothing(made):
    y, old = answers(1)
    found = made(y, old, old)
    assert value(found, "accuracy_change").low < -0.5 and value(found, "log_loss_change").low is None
    assert value(found, "mcnemar_p_value").value == 1.0 and value(found, "churn").high > 0.5


def test_a_few_rows_answered_alike_are_not_equal_everywhere(made):
    y, old = answers(10)
    m = value(made(y, old, old), "log_loss_change")
    assert abs(m.value) < 1e-6 and m.low < -0.05 and m.high > 0.05


def test_rows_of_a_group_stay_together(made):
    y, old = answers(600, right=0.8)
    _same, new = answers(600, seed=0, right=0.9)
    users = np.repeat(np.arange(12), 50)
    alone = value(made(y, new, old), "brier_score_change")
    together = value(made(y, new, old, columns={"user": users}, group="user"), "brier_score_change")
    assert together.value == pytest.approx(alone.value) and "12 blocks" in together.method


def test_without_a_version_in_production_there_is_nothing_to_compare():
    with pytest.raises(NotRun, match="No version of this model is in production"):
        Comparison(subject(*TASK, 10))


@pytest.mark.parametrize(
    ("tensors", "sentence"),
    [
        ({"predicted": np.zeros(9, dtype=np.int64)}, "answered 9 rows and this one 10"),
        ({"predicted": np.zeros(10)}, "another task"),
        ({"confidence": np.zeros(10)}, "another task"),
        ({"predicted": np.full(10, 3)}, "classes that this one, with 3, does not have"),
        ({"predicted": np.zeros((10, 3), dtype=np.int64)}, "other labels"),
        (b"nonsense", "cannot be read"),
    ],
)
def test_a_file_that_does_not_fit_is_said_not_compared(tmp_path, tensors, sentence):
    path = tmp_path / "old.safetensors"
    path.write_bytes(tensors) if isinstance(tensors, bytes) else save_file(tensors, path)
    with pytest.raises(NotRun, match=sentence):
        Comparison(subject(*TASK, 10, others={"production": path}))


def test_the_engines_own_predictions_are_what_is_compared(evaluate, hold_out, tmp_path):
    x, y = hold_out
    evaluate(trained(), x, y)
    kept = (tmp_path / "predictions.safetensors").rename(tmp_path / "old.safetensors")
    worse = Answer(lambda rows: torch.zeros(len(rows), 10))
    suite = [{"name": "comparison", "replicates": 100}, {"name": "performance", "replicates": 100}]
    result = evaluate(worse, x, y, suite=suite, others={"production": kept})
    found = {(m["check"], m["name"]): m for m in result["metrics"] if not m["label"]}
    assert result["not_run"] == [] and found["comparison", "accuracy_change"]["high"] < -0.7
    alone = evaluate(worse, x, y, suite=suite)
    assert [one["check"] for one in alone["not_run"]] == ["comparison"] and "in production" in alone["not_run"][0]["reason"]
    lines = [{"check": "performance", "metric": "accuracy", "label": "", "bound": "lower", "minimum": 0.01}]
    measured = [type("M", (), {**m, "check_name": m["check"]})() for m in alone["metrics"]]
    assert judge(measured, lines).outcome == "passed"  # nobody asked for the comparison
