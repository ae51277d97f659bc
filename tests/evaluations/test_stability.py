"""What changes when only the circumstances change is counted, and what cannot be repeated is called so."""

from __future__ import annotations

import pytest
import torch

from tests.evaluations.engine_cast import Answer, trained_cnn

SUITE = [{"name": "stability"}]


@pytest.fixture(scope="module")
def cnn():
    return trained_cnn()


def _metric(result, name, label=""):
    return next(m for m in result["metrics"] if (m["name"], m["label"]) == (name, label))


def test_the_digits_network_is_stable(evaluate, cnn, hold_out):
    result = evaluate(cnn, *hold_out, suite=SUITE)
    assert _metric(result, "rerun_differences")["value"] == 0
    assert _metric(result, "greatest_change", "run again")["value"] == 0
    assert _metric(result, "greatest_change", "one row at a time")["value"] < 1e-4
    short = _metric(result, "greatest_change", "bfloat16")
    assert 1e-4 < short["value"] < 1 and (short["n"], short["confidence"]) == (256, None)
    flips = _metric(result, "changed_predictions", "one row at a time")
    assert flips["value"] == 0 and 0 < flips["high"] < 0.02 and flips["n"] == 256
    assert "bit for bit the same" in result["charts"][0]["description"]
    assert {row["label"] for row in result["charts"][0]["rows"]} == {
        "run again", "one row at a time", "two threads", "bfloat16",
    }  # fmt: skip


def test_a_model_that_draws_at_random_is_called_out(evaluate, cnn, hold_out):
    noisy = Answer(lambda x: cnn(x) + torch.randn(len(x), 10))
    result = evaluate(noisy, *hold_out, suite=SUITE)
    assert _metric(result, "rerun_differences")["value"] == 256
    assert _metric(result, "changed_predictions", "run again")["value"] > 0
    assert "no number of it can be repeated" in result["charts"][0]["description"]


def test_a_model_that_depends_on_its_batch_is_found(evaluate, cnn, hold_out):
    """As batch normalisation does that was left in training mode."""
    result = evaluate(Answer(lambda x: cnn(x - x.mean(dim=0, keepdim=True))), *hold_out, suite=SUITE)
    assert _metric(result, "rerun_differences")["value"] == 0
    assert _metric(result, "changed_predictions", "one row at a time")["low"] > 0.5
    assert _metric(result, "changed_predictions", "two threads")["value"] == 0


def test_the_number_of_threads_is_changed_and_put_back(evaluate, cnn, hold_out):
    seen = []
    torch.set_num_threads(1)

    def counting(x):
        seen.append(torch.get_num_threads())
        return cnn(x)

    evaluate(Answer(counting), *hold_out, suite=SUITE)
    assert 2 in seen and torch.get_num_threads() == 1


def test_a_model_that_cannot_be_rounded_loses_that_number_only(evaluate, cnn, hold_out):
    def strict(x):
        if x.dtype == torch.bfloat16:
            raise RuntimeError("mat1 and mat2 must have the same dtype")
        return cnn(x)

    model = Answer(strict)
    model.weight = torch.nn.Parameter(torch.zeros(1))
    result = evaluate(model, *hold_out, suite=SUITE)
    assert {m["label"] for m in result["metrics"]} == {"", "run again", "one row at a time", "two threads"}
    assert "In bfloat16 it could not be run: " in result["charts"][0]["description"] and result["not_run"] == []


def test_weights_that_are_short_already_are_not_rounded_again(evaluate, hold_out):
    result = evaluate(trained_cnn().to(torch.bfloat16), *hold_out, suite=SUITE)
    assert "bfloat16" not in {m["label"] for m in result["metrics"]}


def test_a_regression_has_changes_but_no_classes_to_change(evaluate):
    x = torch.randn(30, 4)
    result = evaluate(torch.nn.Linear(4, 1), x, torch.zeros(30), suite=SUITE, task="regression", classes=[])
    assert {m["name"] for m in result["metrics"]} == {"rerun_differences", "greatest_change"}
    assert result["charts"][0]["unit"] == "score" and result["charts"][0]["rows"][0]["low"] is None


def test_running_out_of_memory_is_left_to_the_sandbox(evaluate, cnn, hold_out):
    class Greedy(Answer):
        def __deepcopy__(self, memo):
            raise MemoryError

    model = Greedy(cnn)
    model.weight = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(MemoryError):
        evaluate(model, *hold_out, suite=SUITE)
