"""A model that remembers its rows is found out, one that does not is not accused, and a difference of the sides is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score

from core.canary import canary
from evaluations.engine.checks.privacy import losses_of
from evaluations.engine.exchangeable import features_of, told_apart
from evaluations.engine.sample import Sample, chosen_rows
from evaluations.engine.tasks import Task
from evaluations.verdicts import judge
from models_registry.jobs import PACKAGES
from sandbox import Level, Limits, run
from tests.evaluations.engine_cast import CLASSES, Answer, digits, in_chunks, save_data, trained_cnn

SUITE = [{"name": "privacy"}]


def _metric(result, name, label=""):
    return next(m for m in result["metrics"] if (m["name"], m["label"]) == (name, label))


@pytest.fixture
def measured(evaluate, tmp_path):
    def run(model, train, hold_out, *, suite=SUITE, **job):
        training = save_data(tmp_path / "training.safetensors", *train)
        return evaluate(model, *hold_out, suite=suite, others={"training": training}, **job)

    return run


def _noise(n, *, shift=0.0, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(n, 20, generator=draw) + shift, torch.randint(0, 2, (n,), generator=draw)


@pytest.fixture(scope="module")
def remembering():
    """A network that has learned the random labels of 1,200 rows by heart."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = _noise(1200)
    net = torch.nn.Sequential(torch.nn.Linear(20, 256), torch.nn.ReLU(), torch.nn.Linear(256, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(250):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


TWO = {"classes": ["a", "b"]}


def test_a_model_that_remembers_is_found_out(measured, remembering):
    train, others = _noise(1200), _noise(1500, seed=7)  # one in forty draws of alike sides is told apart; this is none of them
    result = measured(remembering, train, others, **TWO)
    with torch.inference_mode():
        losses = [torch.nn.functional.cross_entropy(remembering(x), y, reduction="none").numpy() for x, y in (train, others)]
    oracle = roc_auc_score(np.r_[np.ones(1200), np.zeros(1500)], -np.concatenate(losses))
    area = _metric(result, "membership_auc")
    assert area["value"] == pytest.approx(oracle, abs=1e-4) and area["low"] > 0.6 and area["n"] == 2700
    found = _metric(result, "members_found", "1 % false alarms")
    at = np.sort(-losses[1])[::-1][15]
    assert found["value"] == pytest.approx((-losses[0] > at).mean(), abs=2e-3) and found["n"] == 1200
    assert _metric(result, "exchangeability_auc")["low"] < 0.5 < _metric(result, "exchangeability_auc")["high"]
    said = result["charts"][0]["description"]
    assert "Without the model both sides are not told apart" in said and "a low number is no guarantee" in said
    curve = [row["y"] for row in result["charts"][0]["rows"] if row["series"] == "loss of the row"]
    assert curve == sorted(curve) and curve[-1] == pytest.approx(100, abs=0.2)


def test_a_model_that_never_saw_the_rows_is_not_accused(measured, remembering):
    result = measured(remembering, _noise(1500, seed=2), _noise(1500, seed=3), **TWO)
    area = _metric(result, "membership_auc")
    assert area["low"] < 0.5 < area["high"] < 0.6
    assert _metric(result, "members_found", "1 % false alarms")["low"] < 0.01


def test_sides_that_differ_are_told_apart_and_it_is_said(measured, remembering):
    result = measured(remembering, _noise(1200), _noise(1200, shift=0.3, seed=1), **TWO)
    assert _metric(result, "exchangeability_auc")["low"] > 0.6
    said = result["charts"][0]["description"]
    assert "But both sides can be told apart without the model" in said and "may be that difference" in said


def test_few_rows_are_shown_but_meet_no_threshold(measured, hold_out):
    x, y = digits()
    result = measured(trained_cnn(), (x[:1347], y[:1347]), hold_out)
    area = _metric(result, "membership_auc_few_rows")
    assert 0.4 < area["low"] < area["value"] < 0.7 and area["n"] == 1797
    assert "Fewer than 1,000 rows a side settle nothing" in result["charts"][0]["description"]
    line = {"check": "privacy", "metric": "membership_auc", "label": "", "bound": "upper", "maximum": 0.99}
    recorded = [type("Measured", (), {**m, "check_name": m["check"]}) for m in result["metrics"]]
    assert judge(recorded, [line]).checks[0].outcome == "not_run"
    assert judge(recorded, [{**line, "label": "*"}]).checks[0].outcome == "not_run"


def test_the_rows_are_a_sample_and_the_same_each_time(measured, remembering):
    suite = [{"name": "privacy", "rows": 1100}]
    first = measured(remembering, _noise(1200), _noise(1500, seed=1), suite=suite, **TWO)
    assert _metric(first, "membership_auc")["n"] == 2200
    assert json.dumps(measured(remembering, _noise(1200), _noise(1500, seed=1), suite=suite, **TWO)) == json.dumps(first)


def test_the_chosen_rows_are_those_of_a_sample(monkeypatch):
    monkeypatch.setattr("evaluations.engine.sample._AT_ONCE", 64)
    sample = Sample(most=40, seed=3)
    for chunk in in_chunks(torch.zeros(500, 1), 90):
        sample.see(chunk)
    assert (chosen_rows(500, most=40, seed=3) == sample.rows).all()
    assert (chosen_rows(10, most=40, seed=3) == np.arange(10)).all()


def test_the_loss_of_a_row_is_that_of_its_task():
    labels = losses_of(Task("multilabel", ["a", "b"]), np.array([[0.9, 0.2]]), np.array([[1, 0]]))
    assert labels == pytest.approx([-np.log(0.9) - np.log(0.8)])
    assert losses_of(Task("regression", []), np.array([[3.0]]), np.array([1.0])) == pytest.approx([4.0])
    assert losses_of(Task("binary", ["a", "b"]), np.array([[0.25, 0.75]]), np.array([0])) == pytest.approx([-np.log(0.25)])


def test_alike_sides_are_rarely_told_apart_and_a_shift_of_the_targets_is_seen():
    alike = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found = told_apart(rng.normal(size=(200, 5)), rng.normal(size=(200, 5)), seed=seed)
        alike += found.low <= 0.5
    assert alike >= 18
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(1200, 5)).astype(np.float32))
    ones, mixed = np.ones(600), rng.integers(0, 2, 600)
    assert told_apart(features_of(x[:600], ones), features_of(x[600:], mixed), seed=0).low > 0.65


def test_large_images_and_long_rows_are_shortened_alike_on_both_sides():
    assert features_of(torch.rand(3, 3, 64, 64), np.zeros(3)).shape == (3, 257)
    long = torch.rand(4, 5000)
    assert features_of(long, np.zeros((4, 2))).shape == (4, 258)
    assert features_of(long, np.zeros(4))[:2] == pytest.approx(features_of(long[:2], np.zeros(2)), abs=1e-4)
    assert features_of(torch.randint(0, 9, (4, 7)), np.zeros(4)).shape == (4, 8)


def test_one_row_a_side_tells_nothing(measured, remembering):
    result = measured(remembering, _noise(1), _noise(1, seed=1), **TWO)
    area = _metric(result, "membership_auc_few_rows")
    assert area["high"] - area["low"] > 0.8 and result["not_run"] == []


def test_without_training_data_it_is_not_run(evaluate, measured, hold_out):
    guess = Answer(lambda x: torch.zeros(len(x), 10))
    assert "training data are not known" in evaluate(guess, *hold_out, suite=SUITE)["not_run"][0]["reason"]
    assert "have the shape [20]" in measured(guess, _noise(5), hold_out)["not_run"][0]["reason"]


def test_the_two_sample_test_runs_in_the_sandbox(tmp_path, settings):
    """The jail refuses what libraries of threads like to read, so the check is run where it is run in earnest."""
    x, y = digits()
    torch.manual_seed(0)
    save_file({"layers.1.weight": torch.randn(10, 64), "layers.1.bias": torch.zeros(10)}, tmp_path / "checkpoint")
    inputs = {
        "checkpoint": tmp_path / "checkpoint",
        "dataset": save_data(tmp_path / "data", x[1347:], y[1347:]),
        "training": save_data(tmp_path / "training", x[:1347], y[:1347]),
    }
    job = {
        "format": "safetensors",
        "architecture": {"name": "mlp", "config": {"input": [1, 8, 8], "hidden": [], "classes": 10}},
        "task": "multiclass",
        "classes": CLASSES,
        "checks": [{"name": "privacy", "rows": 300}, {"name": "stability", "rows": 20}],
    }
    with run(
        "evaluations.engine.child",
        inputs=inputs,
        job=job,
        limits=Limits(wall=120, cpu=120, memory=settings.SANDBOX_MEMORY, output=1 << 24),
        roots=[settings.BASE_DIR / package for package in PACKAGES],
        need=Level.L1,
        canary=canary(),
    ) as outcome:
        assert outcome.ended == "finished", outcome.sentence
        assert "error" not in outcome.result and outcome.result["not_run"] == [], outcome.result
        assert {m["check"] for m in outcome.result["metrics"]} == {"privacy", "stability"}
