"""Rows that stand in the training data, too, are counted exactly, with and without their target, in both directions."""

from __future__ import annotations

import pytest
import torch

from evaluations.engine.data import chunks
from tests.evaluations.engine_cast import Answer, digits, save_data

SUITE = [{"name": "overlap"}]
GUESS = Answer(lambda x: torch.zeros(len(x), 10))


@pytest.fixture
def measured(evaluate, tmp_path):
    def run(train, hold_out, *, model=GUESS, suite=SUITE, **job):
        training = save_data(tmp_path / "training.safetensors", *train)
        return evaluate(model, *hold_out, suite=suite, others={"training": training}, **job)

    return run


def _share(result, name, label):
    one = next(m for m in result["metrics"] if (m["name"], m["label"]) == (name, label))
    return round(one["value"] * one["n"]), one["n"]


def _leaky():
    """The digits: 1,347 to train, 450 to measure, of which the first 12 are made training rows 100 to 111, 4 with another target,
    and row 30 is row 31 again."""
    x, y = digits()
    x = x + 0.001 * torch.arange(len(x))[:, None, None, None]  # the digits as they are repeat none, and so it stays
    train, test = (x[:1347].clone(), y[:1347].clone()), (x[1347:].clone(), y[1347:].clone())
    test[0][:12], test[1][:12] = train[0][100:112], train[1][100:112]
    test[1][:4] = (test[1][:4] + 1) % 10
    test[0][31] = test[0][30]
    return train, test


@pytest.mark.parametrize("chunk", [8192, 64])
def test_shared_rows_are_counted_with_and_without_their_target(measured, monkeypatch, chunk):
    monkeypatch.setattr(chunks, "CHUNK_ROWS", chunk)
    result = measured(*_leaky())
    assert _share(result, "overlap_share", "inputs alone") == (12, 450)
    assert _share(result, "overlap_share", "inputs and target") == (8, 450)
    assert _share(result, "training_share", "inputs alone") == (12, 1347)
    assert _share(result, "training_share", "inputs and target") == (8, 1347)
    assert _share(result, "duplicate_share", "inputs alone") == (1, 450)
    assert all(m["confidence"] is None and m["method"].startswith("counted") for m in result["metrics"])
    said = result["charts"][0]["description"]
    assert said.startswith("12 of 450 rows stand in the training data (1,347 rows) with the same inputs, 8 of them")
    assert "For example row 0 is training row 100, row 1 is training row 101" in said and "row 5 is" not in said


def test_rows_that_stand_there_several_times_count_as_often_as_they_stand_on_their_own_side(measured):
    x, y = torch.arange(6.0)[:, None], torch.zeros(6).long()
    train = (torch.tensor([[9.0], [2.0], [2.0], [2.0]]), torch.zeros(4).long())
    x[5] = 2.0
    result = measured(train, (x, y))
    assert _share(result, "overlap_share", "inputs alone") == (2, 6)
    assert _share(result, "training_share", "inputs alone") == (3, 4)
    assert "row 2 is training row 1 (" in result["charts"][0]["description"]


def test_nothing_shared_is_nought_and_a_sign_of_nought_is_no_difference(measured):
    clean = measured((torch.ones(3, 2), torch.zeros(3).long()), (torch.zeros(2, 2), torch.zeros(2).long()))
    assert _share(clean, "overlap_share", "inputs alone") == (0, 2) and "For example" not in clean["charts"][0]["description"]
    signed = measured((torch.zeros(1, 2), torch.zeros(1).long()), (-torch.zeros(2, 2), torch.zeros(2).long()))
    assert _share(signed, "overlap_share", "inputs alone") == (2, 2)
    near = measured((torch.ones(1, 2), torch.zeros(1).long()), (torch.ones(1, 2) + 1e-6, torch.zeros(1).long()))
    assert _share(near, "overlap_share", "inputs alone") == (0, 1)


def test_more_rows_than_are_held_are_drawn_by_their_hash_and_estimated(measured):
    x = torch.arange(4000.0)[:, None]
    train = (x[:2000] * 2, torch.zeros(2000).long())  # the even ones: half of the rows
    result = measured(train, (x, torch.zeros(4000).long()), suite=[{"name": "overlap", "most_rows": 500}])
    one = next(m for m in result["metrics"] if (m["name"], m["label"]) == ("overlap_share", "inputs alone"))
    assert 400 < one["n"] < 600 and one["method"] == "jeffreys" and one["low"] < 0.5 < one["high"]
    there = next(m for m in result["metrics"] if (m["name"], m["label"]) == ("training_share", "inputs alone"))
    assert there["value"] == 1.0 and 200 < there["n"] < 300
    assert "of those drawn" in result["charts"][0]["description"]


@pytest.mark.parametrize(
    ("job", "x", "y"),
    [
        ({"task": "regression", "classes": []}, torch.rand(5, 2), torch.rand(5)),
        ({"task": "ranking", "classes": []}, torch.rand(5, 2), torch.rand(5)),
        ({"task": "multilabel", "classes": ["a", "b"]}, torch.rand(5, 2), torch.ones(5, 2).long()),
        ({}, torch.randint(0, 9, (5, 3)), torch.ones(5).long()),
    ],
)
def test_rows_of_every_task_and_tokens_can_be_shared(measured, job, x, y):
    width = len(job.get("classes", range(10))) or 1
    result = measured((x[1:3], y[1:3]), (x, y), model=Answer(lambda at: torch.zeros(len(at), width)), **job)
    assert _share(result, "overlap_share", "inputs and target") == (2, 5)


def test_without_training_data_it_is_not_run_and_says_why(evaluate, measured, hold_out, tmp_path):
    missing = evaluate(GUESS, *hold_out, suite=SUITE)
    assert missing["not_run"] == [
        {
            "check": "overlap",
            "reason": "The training data are not known to the version, so the two cannot be held against each other.",
        }
    ]
    other = measured((torch.rand(4, 3), torch.zeros(4).long()), hold_out)
    assert "Rows of the training data have the shape [3] and those of the evaluation [1, 8, 8]" in other["not_run"][0]["reason"]
    (tmp_path / "odd").write_bytes(b"no tensors")
    odd = evaluate(GUESS, *hold_out, suite=SUITE, others={"training": tmp_path / "odd"})
    assert odd["not_run"][0]["reason"].startswith("The training data cannot be read: The data set is not a safetensors file")
    foreign = measured((hold_out[0], hold_out[1] + 5), hold_out)
    assert "The training data cannot be read: Row" in foreign["not_run"][0]["reason"]
