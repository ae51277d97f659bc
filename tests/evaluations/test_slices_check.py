"""The check of slices: which columns, which values, what is said of too few rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluations.engine.checks.slices import Slices
from evaluations.engine.refusals import NotRun
from tests.evaluations.engine_cast import Answer, trained
from tests.evaluations.feeding import feed, subject, value

TASK = ("multiclass", ["a", "b", "c"])
COLUMNS = {"site": ["Busan", "Jeju", "Seoul"], "patient": [], "device": ["old", "new"]}


def rows(n=6000, *, seed=0, bad=0.7):
    """Right in 90 % of rows, at Jeju in `bad`."""
    rng = np.random.default_rng(seed)
    site, device = rng.integers(-1, 3, n), rng.integers(0, 2, n)
    y = rng.integers(0, 3, n)
    right = rng.random(n) < np.where(site == 1, bad, 0.9)
    said = np.where(right, y, (y + 1) % 3)
    columns = {"site": site, "patient": np.arange(n), "device": device}
    return y, np.eye(3)[said] * 0.7 + 0.1, columns


def test_each_value_of_each_named_column_is_held_against_the_rest():
    y, p, columns = rows()
    found = feed(Slices(subject(*TASK, 6000, columns=COLUMNS)), y, p, task=TASK, columns=columns)
    labels = {m.label for m in found.metrics if m.name == "accuracy"}
    assert labels == {"site = Busan", "site = Jeju", "site = Seoul", "site = (missing)", "device = old", "device = new"}
    right = p.argmax(axis=1) == y
    jeju = columns["site"] == 1
    accuracy, worse = value(found, "accuracy", "site = Jeju"), value(found, "worse_by", "site = Jeju")
    assert (accuracy.value, accuracy.n) == (pytest.approx(right[jeju].mean()), jeju.sum())
    assert worse.value == pytest.approx(right[~jeju].mean() - right[jeju].mean()) and worse.low > 0.1
    assert value(found, "weak_slices").value == 1 and value(found, "compared_slices").value == 6
    chart = found.charts[0]
    assert chart.rows[0]["label"] == "site = Jeju ▼" and chart.rows[0]["mark"] == pytest.approx(right[~jeju].mean())
    assert "1 is weak" in chart.description and "Furthest behind: site = Jeju" in chart.description


def test_a_slice_of_few_rows_is_insufficient_and_says_how_many_it_has():
    y, p, columns = rows()
    columns["device"] = np.where(np.arange(6000) < 20, 0, 1)
    found = feed(Slices(subject(*TASK, 6000, columns=COLUMNS)), y, p, task=TASK, columns=columns)
    assert value(found, "insufficient_rows", "device = old").value == 20
    assert not [m for m in found.metrics if m.name == "accuracy" and m.label.startswith("device")]
    assert value(found, "insufficient_slices").value == 2  # without the other side, nothing is compared
    assert "2 slices have too few rows" in found.charts[0].description


def test_where_no_slice_can_be_compared_the_check_is_not_run():
    y, p, columns = rows(60)
    with pytest.raises(NotRun, match="None of the 6 slices can be compared: each needs 50 rows"):
        feed(Slices(subject(*TASK, 60, columns=COLUMNS)), y, p, task=TASK, columns=columns)


def test_the_suite_chooses_columns_and_rules():
    y, p, columns = rows()
    check = Slices(subject(*TASK, 6000, columns=COLUMNS), columns=["site"], min_effect=0.5, min_rows=60, q=0.01)
    found = feed(check, y, p, task=TASK, columns=columns)
    assert {m.label.split(" =")[0] for m in found.metrics if m.label} == {"site"}
    assert value(found, "weak_slices").value == 0  # worse, but not by 50 points
    assert value(found, "weak_slices").method == "Benjamini-Hochberg at 0.01, 4 tests"


@pytest.mark.parametrize(
    ("columns", "asked", "sentence"),
    [
        ({}, None, "no column that names parts"),
        ({"group": ["x"], "id": []}, None, "no column that names parts"),
        ({"site": ["x"]}, ["ward"], "no column named 'ward'; it has site"),
        ({"id": []}, ["id"], "names 0 values"),
        ({"id": [str(i) for i in range(1001)]}, ["id"], "names 1,001 values"),
    ],
)
def test_without_a_usable_column_the_check_is_not_run(columns, asked, sentence):
    with pytest.raises(NotRun, match=sentence):
        Slices(subject(*TASK, 10, columns=columns, group="group"), columns=asked)


def test_where_rows_belong_together_the_description_says_that_the_intervals_are_too_short():
    y, p, columns = rows()
    grouped = feed(Slices(subject(*TASK, 6000, columns=COLUMNS, group="patient")), y, p, task=TASK, columns=columns)
    alone = feed(Slices(subject(*TASK, 6000, columns=COLUMNS)), y, p, task=TASK, columns=columns)
    assert "Rows of one patient belong together" in grouped.charts[0].description
    assert "belong together" not in alone.charts[0].description


def test_numbers_are_compared_by_their_errors():
    rng = np.random.default_rng(1)
    site, y = rng.integers(0, 3, 3000), rng.normal(size=3000)
    out = (y + rng.normal(0, np.where(site == 2, 2.0, 1.0)))[:, None]
    task = ("regression", [])
    found = feed(Slices(subject(*task, 3000, columns=COLUMNS), columns=["site"]), y, out, task=task, columns={"site": site})
    worse, mean = value(found, "worse_by", "site = Seoul"), value(found, "mae", "site = Seoul")
    errors = np.abs(out[:, 0] - y)
    assert worse.value == pytest.approx(errors[site == 2].mean() - errors[site != 2].mean()) and worse.low > 0
    assert mean.value == pytest.approx(errors[site == 2].mean()) and value(found, "weak_slices").value == 1
    assert found.charts[0].rows[0]["mark"] == pytest.approx(errors[site != 2].mean())


def test_labels_are_compared_by_the_share_that_is_right():
    rng = np.random.default_rng(1)
    site, y = rng.integers(0, 3, 3000), rng.integers(0, 2, (3000, 4))
    wrong = rng.random((3000, 4)) < np.where(site == 0, 0.3, 0.1)[:, None]
    out = np.where(wrong, 1 - y, y) * 0.8 + 0.1
    task = ("multilabel", list("abcd"))
    found = feed(Slices(subject(*task, 3000, columns=COLUMNS), columns=["site"]), y, out, task=task, columns={"site": site})
    assert value(found, "label_accuracy", "site = Busan").value == pytest.approx(1 - wrong[site == 0].mean())
    assert value(found, "weak_slices").value == 1


def test_labels_stay_apart_and_within_their_length():
    names = ["x" * 59 + "a", "x" * 59 + "b"]
    y, p, _ = rows(400)
    column = "y" * 60
    check = Slices(subject(*TASK, 400, columns={column: names}))
    found = feed(check, y, p, task=TASK, columns={column: np.arange(400) % 2})
    labels = {m.label for m in found.metrics if m.name == "accuracy"}
    assert len(labels) == 2 and all(len(label) <= 100 for label in labels)


def test_the_engine_measures_slices_of_the_columns_in_the_file(evaluate, hold_out):
    x, y = hold_out
    more = {"columns": {"pen": torch.arange(450) % 2}, "names": {"pen": ["ball", "felt"]}}
    wrong = Answer(lambda rows: torch.nn.functional.one_hot(torch.arange(len(rows)) % 10, 10).float())
    result = evaluate(wrong, x, y, suite=[{"name": "slices", "min_effect": 0.01}], more=more)
    assert result["not_run"] == [] and {m["check"] for m in result["metrics"]} == {"slices"}
    result = evaluate(trained(), x, y, suite=[{"name": "slices"}, {"name": "fairness"}])
    assert [one["check"] for one in result["not_run"]] == ["slices", "fairness"]
