"""The check of calibration: binary, multi-class, class by class, with its chart, on many rows and on hardly any."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss

from evaluations.engine.checks.calibration import Calibration
from evaluations.engine.refusals import NotRun
from measures.temperature import temperature
from tests.evaluations.feeding import feed, subject, value

BINARY = ("binary", ["well", "ill"])
CLASSES = ["a", "b", "c"]


def binary(n, *, power=1.0, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 2, n)
    return (rng.random(n) < p**power).astype(np.int64), np.column_stack([1 - p, p])


def several(n, *, heat=1.0, seed=0, k=3):
    """Labels drawn from softmax(z), probabilities softmax(z / heat): calibrated at heat 1, too sure below."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1.5, (n, k))
    p, q = (np.exp(one) / np.exp(one).sum(axis=1, keepdims=True) for one in (z, z / heat))
    return (p.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1).astype(np.int64), q


def test_a_binary_model_is_asked_about_its_positive_class():
    y, p = binary(3000, power=1.5)
    found = feed(Calibration(subject(*BINARY, 3000), draws=100), y, p, task=BINARY)
    fit = IsotonicRegression().fit_transform(p[:, 1], y)
    brier, least = brier_score_loss(y, p[:, 1]), brier_score_loss(y, fit)
    parts = [value(found, name) for name in ("miscalibration", "discrimination", "uncertainty")]
    assert [m.value for m in parts] == pytest.approx(
        [brier - least, y.mean() * (1 - y.mean()) - least, y.mean() * (1 - y.mean())]
    )
    assert all(m.low <= m.value <= m.high and m.n == 3000 and len(m.method) <= 64 for m in parts)
    assert value(found, "ece").value > value(found, "ece_by_chance").value
    assert value(found, "ece_p_value").value < 0.02 and value(found, "spiegelhalter_p_value").value <= 1
    assert "Probability given to ill" in [column["title"] for column in found.charts[0].columns]


def test_the_curve_of_a_binary_model_runs_over_the_probabilities_of_its_positive_class():
    rng = np.random.default_rng(0)
    rare = rng.uniform(0.0, 0.3, 900)
    y, p = (rng.random(900) < rare).astype(np.int64), np.column_stack([1 - rare, rare])
    chart = feed(Calibration(subject(*BINARY, 900), draws=50), y, p, task=BINARY).charts[0]
    assert max(row["p"] for row in chart.rows) < 0.35 and max(row["observed"] for row in chart.rows) < 0.6


def test_with_more_classes_the_question_is_whether_the_predicted_one_is_right():
    y, p = several(4000)
    found = feed(Calibration(subject("multiclass", CLASSES, 4000), draws=100), y, p, task=("multiclass", CLASSES))
    right, top = p.argmax(axis=1) == y, p.max(axis=1)
    parts = [value(found, name).value for name in ("miscalibration", "discrimination", "uncertainty")]
    assert parts[0] - parts[1] + parts[2] == pytest.approx(np.mean((top - right) ** 2))
    assert value(found, "ece_p_value").value > 0.05
    low = value(found, "temperature")
    assert low.low <= 1.0 <= low.high and low.n == 4000


def test_class_by_class_on_demand_each_class_has_its_own_numbers():
    y, p = several(2000)
    task = ("multiclass", CLASSES)
    assert {m.label for m in feed(Calibration(subject(*task, 2000), draws=50), y, p, task=task).metrics} == {""}
    found = feed(Calibration(subject(*task, 2000), draws=50, classwise=True), y, p, task=task)
    assert {m.label for m in found.metrics if m.name == "ece"} == {"", *CLASSES}
    b = [value(found, name, "b").value for name in ("miscalibration", "discrimination", "uncertainty")]
    assert b[0] - b[1] + b[2] == pytest.approx(np.mean((p[:, 1] - (y == 1)) ** 2))
    bars = next(chart for chart in found.charts if chart.name == "ece")
    assert [row["label"] for row in bars.rows] == CLASSES and all(row["mark"] > 0 for row in bars.rows)


def test_labels_of_a_multi_label_model_are_asked_one_by_one():
    rng = np.random.default_rng(0)
    p = rng.random((900, 3))
    y = (rng.random((900, 3)) < p).astype(np.int64)
    task = ("multilabel", CLASSES)
    found = feed(Calibration(subject(*task, 900), draws=50), y, p, task=task)
    assert {m.label for m in found.metrics} == set(CLASSES) and [chart.name for chart in found.charts] == ["ece"]


def test_too_many_classes_are_not_measured_one_by_one():
    with pytest.raises(NotRun, match="leave classwise out"):
        Calibration(subject("multiclass", map(str, range(101)), 50), classwise=True)


def test_the_chart_says_where_the_curve_leaves_the_band():
    y, p = several(4000, heat=0.4)
    found = feed(Calibration(subject("multiclass", CLASSES, 4000), draws=100), y, p, task=("multiclass", CLASSES))
    chart = found.charts[0]
    assert chart.kind == "reliability" and {c["key"] for c in chart.columns} == set(chart.rows[0])
    assert sum(row["n"] for row in chart.rows) == 4000
    assert any(row["observed"] < row["low"] for row in chart.rows) and "over 4,000 rows" in chart.description
    assert value(found, "temperature").low > 1.5  # too sure


def test_the_numbers_do_not_depend_on_the_chunks_and_memory_not_on_the_rows():
    y, p = binary(120_000)
    one, other = Calibration(subject(*BINARY, 120_000), draws=50), Calibration(subject(*BINARY, 120_000), draws=50)
    a, b = feed(one, y, p, task=BINARY, step=8192), feed(other, y, p, task=BINARY, step=50_000)
    for x, z in zip(a.metrics, b.metrics, strict=True):
        assert x.value == pytest.approx(z.value, rel=1e-6), x.name
    assert not one._whole.gathered.exact and 15_000 < value(a, "temperature").n < 25_000


@pytest.mark.parametrize("rows", [1, 2, 40])
@pytest.mark.parametrize("sure", [True, False])
def test_degenerate_answers_give_numbers_without_certainty(rows, sure):
    y = np.zeros(rows, dtype=np.int64)
    p = np.tile([1.0, 0.0, 0.0] if sure else [1 / 3] * 3, (rows, 1))
    found = feed(Calibration(subject("multiclass", CLASSES, rows), draws=50, classwise=True), y, p, task=("multiclass", CLASSES))
    for m in found.metrics:
        assert np.isfinite(m.value) and (m.n == rows or (rows == 1 and m.name == "ece_squared_debiased" and m.n == 0)), m
        assert m.confidence is None or m.low is None or m.high is None or m.high > m.low, m
    assert value(found, "temperature").low is None


def test_the_temperature_is_the_one_that_was_applied():
    y, p = several(20_000, heat=0.5)
    found = temperature(p, y)
    assert found.low <= 2.0 <= found.high and found.high - found.low < 0.2
    rng = np.random.default_rng(3)
    held = 0
    for _time in range(60):
        y, p = several(400, heat=0.7, seed=int(rng.integers(1 << 30)))
        e = temperature(p, y)
        held += e.low <= 1 / 0.7 <= e.high
    assert held >= 53
