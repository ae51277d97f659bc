"""The checks of robustness and attacks: they find what a loop by hand finds, and say what they cannot tell."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes

from evaluations import wording
from evaluations.engine.corruptions import SEVERITIES
from evaluations.verdicts import title_of
from measures.proportions import proportion
from tests.evaluations.engine_cast import Answer, trained_cnn


@pytest.fixture(scope="module")
def cnn():
    return trained_cnn()


def _metric(result, name, label=""):
    return next(m for m in result["metrics"] if (m["name"], m["label"]) == (name, label))


# -- the check of robustness ---------------------------------------------------------------------------------------------------


def test_robustness_of_the_digits_is_what_a_loop_by_hand_finds(evaluate, cnn, hold_out):
    result = evaluate(cnn, *hold_out, suite=[{"name": "robustness"}])
    x, y = hold_out
    dark = (x - 0.3).clamp(0, 1)
    with torch.inference_mode():
        right = int((cnn(dark).argmax(dim=1) == y).sum())
        clean = int((cnn(x).argmax(dim=1) == y).sum())
    found = _metric(result, "corrupted_accuracy", "darker, severity 3")
    expected = proportion(right, 450)
    assert (found["value"], found["low"], found["high"], found["n"]) == (expected.value, expected.low, expected.high, 450)
    assert _metric(result, "clean_accuracy")["value"] == clean / 450
    drop = _metric(result, "relative_drop", "darker, severity 3")
    assert drop["value"] == pytest.approx(1 - right / clean) and drop["low"] < drop["value"] < drop["high"]
    at = [_metric(result, "corrupted_accuracy", f"darker, severity {s}")["value"] for s in SEVERITIES]
    assert _metric(result, "mean_corrupted_accuracy", "darker")["value"] == pytest.approx(np.mean(at))
    assert _metric(result, "mean_relative_drop", "darker")["value"] == pytest.approx(1 - np.mean(at) / (clean / 450))
    damage, light = result["charts"]
    assert {row["series"] for row in light["rows"]} == {"brighter", "darker", "less contrast"}
    assert {"series": "darker", "x": 3, "y": pytest.approx(100 * right / 450)} in light["rows"]
    assert len({row["series"] for row in damage["rows"]}) == 5 and "450 rows" in damage["description"]
    assert all(m["low"] <= m["value"] <= m["high"] and len(m["label"]) <= 100 for m in result["metrics"])


def test_two_versions_are_compared_on_the_same_damaged_rows(evaluate, cnn, hold_out):
    seen = []

    def noting(x):
        seen.append(x.clone())
        return cnn(x)

    suite = [{"name": "robustness", "rows": 60, "corruptions": ["gaussian noise", "occlusion"]}]
    first = evaluate(Answer(noting), *hold_out, suite=suite, batch=450)
    half, seen[:] = list(seen), []
    second = evaluate(Answer(noting), *hold_out, suite=suite, batch=450)
    assert all(torch.equal(a, b) for a, b in zip(half, seen, strict=True)) and len(seen) == 1 + 10
    assert json.dumps(first) == json.dumps(second)
    assert evaluate(Answer(noting), *hold_out, suite=suite, seed=2)["metrics"] != first["metrics"]
    assert _metric(first, "clean_accuracy")["n"] == 60


def test_a_suite_may_declare_the_range_and_choose_the_damage(evaluate, cnn, hold_out):
    wide = evaluate(cnn, *hold_out, suite=[{"name": "robustness", "corruptions": ["brighter"], "low": -1, "high": 3}])
    seen = evaluate(cnn, *hold_out, suite=[{"name": "robustness", "corruptions": ["brighter"]}])
    label = "brighter, severity 2"
    assert _metric(wide, "corrupted_accuracy", label)["value"] < _metric(seen, "corrupted_accuracy", label)["value"]
    assert len(wide["charts"]) == 1
    refused = evaluate(cnn, *hold_out, suite=[{"name": "robustness", "corruptions": ["missing columns"]}])["not_run"]
    assert refused[0]["reason"].startswith("Inputs of this shape cannot be damaged by 'missing columns'; what can")


def _fitted(net, x, y, loss, epochs=200):
    torch.set_num_threads(1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss(net(x), y).backward()
        optimizer.step()
    return net


def _table():
    data = load_breast_cancer()
    x = torch.tensor((data.data - data.data.mean(0)) / data.data.std(0), dtype=torch.float32)
    return x, torch.tensor(data.target)


def test_a_binary_table_loses_columns_and_is_attacked(evaluate):
    x, y = _table()
    torch.manual_seed(0)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    net = _fitted(torch.nn.Linear(30, 1), x, y.float()[:, None], loss)
    job = {"task": "binary", "classes": ["malignant", "benign"]}
    result = evaluate(net, x, y, suite=[{"name": "robustness"}, {"name": "adversarial", "epsilons": [0.05]}], **job)
    assert result["not_run"] == []
    names = {m["label"].partition(",")[0] for m in result["metrics"] if m["name"] == "corrupted_accuracy"}
    assert names == {"gaussian noise", "quantisation", "missing columns"}
    assert _metric(result, "clean_accuracy")["value"] > 0.95 > _metric(result, "robust_accuracy", "PGD-20, eps 0.05")["value"]


def test_regression_is_measured_by_its_error(evaluate):
    data = load_diabetes()
    x = torch.tensor(data.data / data.data.std(0), dtype=torch.float32)
    y = torch.tensor(data.target / data.target.std(), dtype=torch.float32)
    torch.manual_seed(0)
    net = _fitted(torch.nn.Linear(10, 1), x, y[:, None], torch.nn.functional.mse_loss, epochs=400)
    suite = [{"name": "robustness"}, {"name": "adversarial"}]
    result = evaluate(net, x, y, suite=suite, task="regression", classes=[])
    assert result["not_run"] == []
    with torch.inference_mode():
        clean = float(((net(x)[:, 0] - y) ** 2).mean().sqrt())
    assert _metric(result, "clean_rmse")["value"] == pytest.approx(clean, rel=1e-5)
    five = _metric(result, "corrupted_rmse", "missing columns, severity 5")
    rise = _metric(result, "relative_rise", "missing columns, severity 5")
    assert five["low"] < five["value"] < five["high"] and rise["value"] == pytest.approx(five["value"] / clean - 1, rel=1e-5)
    at = [_metric(result, "corrupted_rmse", f"missing columns, severity {s}")["value"] for s in SEVERITIES]
    assert _metric(result, "mean_corrupted_rmse", "missing columns")["value"] == pytest.approx(np.mean(at))
    assert _metric(result, "masking_signs")["value"] == 0
    assert "at least as measured" in result["charts"][-1]["description"]


def test_labels_are_measured_by_the_share_that_is_right(evaluate):
    x, y = _table()
    labels = torch.stack([y, 1 - y, y], dim=1)
    torch.manual_seed(0)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    net = _fitted(torch.nn.Linear(30, 3), x, labels.float(), loss)
    suite = [{"name": "robustness"}, {"name": "adversarial"}]
    result = evaluate(net, x, labels, suite=suite, task="multilabel", classes=["a", "b", "c"])
    assert result["not_run"] == [] and 0.9 < _metric(result, "clean_label_accuracy")["value"] <= 1
    with torch.inference_mode():
        right = ((net(x) >= 0) == labels.bool()).double().mean()
    assert _metric(result, "clean_label_accuracy")["value"] == pytest.approx(float(right), abs=0.02)
    assert _metric(result, "robust_label_accuracy", "PGD-20, eps 0.1")["value"] < 0.7


def test_tokens_are_neither_damaged_nor_attacked(evaluate):
    emb = torch.nn.Sequential(torch.nn.EmbeddingBag(5, 10))
    x, y = torch.randint(0, 5, (20, 4)), torch.randint(0, 10, (20,))
    result = evaluate(emb, x, y, suite=[{"name": "robustness"}, {"name": "adversarial"}])
    assert [one["check"] for one in result["not_run"]] == ["robustness", "adversarial"]
    assert all("whole numbers (tokens)" in one["reason"] for one in result["not_run"]) and result["metrics"] == []


def test_a_model_that_breaks_on_damaged_rows_loses_the_check_not_the_run(evaluate, cnn, hold_out):
    def fragile(x):
        return torch.where(x.amax() < 1.0, torch.nan, cnn(x))

    suite = [{"name": "performance", "replicates": 20}, {"name": "robustness", "corruptions": ["darker"]}]
    result = evaluate(Answer(fragile), *hold_out, suite=suite, batch=450)
    assert "On inputs damaged by darker the model gave no usable answer" in result["not_run"][0]["reason"]
    assert _metric(result, "accuracy")["value"] > 0.9


@pytest.mark.parametrize("name", ["robustness", "adversarial"])
def test_running_out_of_memory_is_left_to_the_sandbox(evaluate, cnn, hold_out, name):
    calls = []

    def greedy(x):
        calls.append(1)
        if len(calls) > 8:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return cnn(x)

    with pytest.raises(MemoryError):
        evaluate(Answer(greedy), *hold_out, suite=[{"name": name}])


# -- the attacks ---------------------------------------------------------------------------------------------------------------


def test_on_a_linear_model_the_attack_is_exact(evaluate):
    """Of z = w.x + b no change of eps moves more than eps * sum |w|, and FGSM moves exactly that."""
    x, y = _table()
    torch.manual_seed(0)
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    net = _fitted(torch.nn.Linear(30, 1), x, y.float()[:, None], loss)
    eps = 0.1
    suite = [{"name": "adversarial", "rows": 1000, "epsilons": [eps / 200], "low": -100, "high": 100}]
    result = evaluate(net, x, y, suite=suite, task="binary", classes=["malignant", "benign"])
    with torch.inference_mode():
        margin = (net(x)[:, 0] * (2 * y - 1)).double() - eps * float(net.weight.abs().sum())
    exact = float((margin > 0).double().mean())
    assert _metric(result, "robust_accuracy", "FGSM, eps 0.0005")["value"] == pytest.approx(exact, abs=0.002)
    assert _metric(result, "robust_accuracy", "PGD-20, eps 0.0005")["value"] == pytest.approx(exact, abs=0.002)


def test_the_digits_fall_as_an_attack_by_hand_makes_them_fall(evaluate, cnn, hold_out):
    x, y = hold_out
    result = evaluate(cnn, x, y, suite=[{"name": "adversarial", "rows": 1000}])
    at = x.clone()
    for _ in range(20):
        at.requires_grad_(requires_grad=True)
        grad = torch.autograd.grad(torch.nn.functional.cross_entropy(cnn(at), y, reduction="sum"), at)[0]
        at = (at.detach() + 0.0125 * grad.sign()).clamp(x - 0.1, x + 0.1).clamp(0, 1)
    with torch.inference_mode():
        by_hand = float((cnn(at).argmax(dim=1) == y).double().mean())
    pgd = _metric(result, "robust_accuracy", "PGD-20, eps 0.1")
    fgsm, chance = (_metric(result, "robust_accuracy", f"{name}, eps 0.1") for name in ("FGSM", "random signs"))
    assert pgd["value"] == pytest.approx(by_hand, abs=0.03) and pgd["n"] == 450
    assert pgd["value"] <= fgsm["value"] < chance["value"] - 0.2
    assert _metric(result, "unbounded_accuracy")["value"] == 0 and _metric(result, "masking_signs")["value"] == 0
    said = result["charts"][0]["description"]
    assert "against a better one it is at most as measured" in said and "no sign of hiding" in said


def test_more_restarts_find_no_less_and_the_same_seed_finds_the_same(evaluate, cnn, hold_out):
    def found(**options):
        return evaluate(cnn, *hold_out, suite=[{"name": "adversarial", "epsilons": [0.1], **options}])

    once, thrice = found(), found(restarts=3)
    label = "PGD-20, eps 0.1"
    assert _metric(thrice, "robust_accuracy", label)["value"] <= _metric(once, "robust_accuracy", label)["value"]
    assert json.dumps(found()) == json.dumps(once) and "3 random starts" in thrice["charts"][0]["description"]


def test_a_sure_model_does_not_look_robust_because_its_gradient_rounds_to_nought(evaluate, cnn, hold_out):
    sure = copy.deepcopy(cnn)
    with torch.no_grad():
        sure.layers[-1].weight *= 300
        sure.layers[-1].bias *= 300
    label = "FGSM, eps 0.1"
    plain, hard = (evaluate(one, *hold_out, suite=[{"name": "adversarial"}]) for one in (cnn, sure))
    assert _metric(hard, "robust_accuracy", label)["value"] == pytest.approx(
        _metric(plain, "robust_accuracy", label)["value"], abs=0.05
    )


def test_a_gradient_that_hides_is_called_out(evaluate, cnn, hold_out):
    masked = Answer(lambda x: cnn((x * 8).round() / 8))
    result = evaluate(masked, *hold_out, suite=[{"name": "adversarial"}])
    assert _metric(result, "masking_signs")["value"] >= 2
    assert _metric(result, "unbounded_accuracy")["value"] > 0.2
    said = result["charts"][0]["description"]
    assert "The gradient cannot be trusted, so these numbers are too good" in said
    assert "is left where inputs may change by their whole range, where nothing should." in said
    assert "FGSM leaves" in said and "more than random signs do." in said


def test_without_a_gradient_there_is_no_attack(evaluate, cnn, hold_out):
    def closed(x):
        with torch.no_grad():
            return cnn(x)

    closed_one = evaluate(Answer(closed), *hold_out, suite=[{"name": "adversarial"}])
    assert closed_one["not_run"][0]["reason"].startswith("The model's answers carry no gradient") and not closed_one["metrics"]
    constant = torch.nn.Linear(1, 10)
    apart = evaluate(Answer(lambda x: constant(torch.ones(len(x), 1))), *hold_out, suite=[{"name": "adversarial"}])
    assert "do not depend on the inputs" in apart["not_run"][0]["reason"]


def test_an_exported_program_that_carries_gradients_is_attacked(evaluate, cnn, hold_out):
    rows = torch.export.Dim("rows")
    exported = torch.export.export(cnn.eval(), (hold_out[0][:4],), dynamic_shapes={"x": {0: rows}})
    program = exported.module()
    program.eval = lambda: program
    result = evaluate(program, *hold_out, suite=[{"name": "adversarial", "rows": 50}])
    assert result["not_run"] == [] and _metric(result, "unbounded_accuracy")["value"] == 0


@pytest.mark.parametrize("wrong", [{"epsilons": []}, {"epsilons": [2.0]}, {"steps": 0}, {"restarts": 0}])
def test_an_attack_that_makes_no_sense_gets_a_sentence(evaluate, cnn, hold_out, wrong):
    assert "An attack needs sizes between 0 and 1" in evaluate(cnn, *hold_out, suite=[{"name": "adversarial", **wrong}])["error"]


def test_people_read_what_was_done_to_the_rows():
    assert wording.name_of("corrupted_accuracy", "darker, severity 3") == "Accuracy on damaged rows: darker, severity 3"
    assert wording.name_of("robust_accuracy", "PGD-20, eps 0.1") == "Accuracy under attack: PGD-20, eps 0.1"
    assert wording.method_of("mover, jeffreys on each side").startswith("Interval from those of both sides")
    line = {"check": "adversarial", "metric": "masking_signs", "label": "", "bound": "upper", "maximum": 0}
    assert title_of(line) == "Signs that the gradient hides something, at most 0"
