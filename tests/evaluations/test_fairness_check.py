"""The check of fairness: fairlearn's definitions computed from the rows, groups too small, the rule that gates."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from evaluations.engine.checks.fairness import Fairness
from evaluations.engine.refusals import CannotMeasure, NotRun
from evaluations.verdicts import judge
from tests.evaluations.feeding import feed, subject, value

BINARY = ("binary", ["refused", "granted"])
THREE = ("multiclass", ["a", "b", "c"])
COLUMNS = {"sex": ["f", "m"], "age": ["young", "middle", "old"]}


def rows(n=3000, *, seed=0, k=2):
    rng = np.random.default_rng(seed)
    columns = {"sex": rng.integers(0, 2, n), "age": rng.integers(0, 3, n)}
    y = rng.integers(0, k, n)
    said = np.where(rng.random(n) < 0.8 - 0.2 * columns["sex"], y, rng.integers(0, k, n))
    return y, np.eye(k)[said] * 0.7 + 0.3 / k, columns


def definitions(y, said, group, outcome):
    """Demographic parity and equalised odds as fairlearn defines them, from the rows themselves."""
    rates = {"chosen": [], "hits": [], "alarms": []}
    for g in np.unique(group):
        own, yes, true = group == g, said == outcome, y == outcome
        rates["chosen"].append(yes[own].mean())
        rates["hits"].append(yes[own & true].mean())
        rates["alarms"].append(yes[own & ~true].mean())
    gaps = {name: max(r) - min(r) for name, r in rates.items()}
    ratios = {name: min(r) / max(r) for name, r in rates.items()}
    return {
        "demographic_parity_difference": gaps["chosen"],
        "demographic_parity_ratio": ratios["chosen"],
        "equalised_odds_difference": max(gaps["hits"], gaps["alarms"]),
        "equalised_odds_ratio": min(ratios["hits"], ratios["alarms"]),
    }


@pytest.mark.parametrize(("task", "k"), [(BINARY, 2), (THREE, 3)])
def test_the_numbers_are_those_of_the_definitions(task, k):
    y, p, columns = rows(k=k)
    found = feed(Fairness(subject(*task, 3000, columns=COLUMNS)), y, p, task=task, columns=columns)
    said = p.argmax(axis=1)
    for column in COLUMNS:
        for c in [1] if k == 2 else range(k):
            label = column if k == 2 else f"{column}: {task[1][c]}"
            for name, expected in definitions(y, said, columns[column], c).items():
                m = value(found, name, label)
                assert m.value == pytest.approx(expected), (name, label)
                assert m.low <= m.value <= m.high and m.n > 0
    rate = value(found, "selection_rate", "sex = f" if k == 2 else "sex = f: b")
    own = columns["sex"] == 0
    assert (rate.value, rate.n) == (pytest.approx((said[own] == 1).mean()), own.sum())


def test_a_gap_between_equal_groups_is_not_proved():
    rng = np.random.default_rng(5)
    age, y, said = (rng.integers(0, top, 500) for top in (3, 2, 2))
    found = feed(
        Fairness(subject(*BINARY, 500, columns=COLUMNS), columns=["age"]), y, np.eye(2)[said], task=BINARY, columns={"age": age}
    )
    for name in ("demographic_parity_difference", "equalised_odds_difference"):
        assert value(found, name, "age").low == 0.0 < value(found, name, "age").value
    assert value(found, "demographic_parity_ratio", "age").high == 1.0


def test_a_small_group_is_left_out_and_counted():
    y, p, columns = rows()
    columns["age"] = np.where(np.arange(3000) < 29, 2, columns["age"] % 2)
    found = feed(Fairness(subject(*BINARY, 3000, columns=COLUMNS), columns=["age"]), y, p, task=BINARY, columns=columns)
    assert (value(found, "compared_groups", "age").value, value(found, "insufficient_groups", "age").value) == (2, 1)
    assert not [m for m in found.metrics if m.label == "age = old"]
    expected = definitions(y[29:], p[29:].argmax(axis=1), columns["age"][29:], 1)["demographic_parity_difference"]
    assert value(found, "demographic_parity_difference", "age").value == pytest.approx(expected)
    assert "1 group has fewer than 30 rows" in found.charts[0].description
    thirty = feed(
        Fairness(subject(*BINARY, 3000, columns=COLUMNS), columns=["age"], min_group=29), y, p, task=BINARY, columns=columns
    )
    assert value(thirty, "compared_groups", "age").value == 3


@pytest.mark.parametrize("size", [1, 20])
def test_with_one_group_or_none_nothing_is_known(size):
    y, p, columns = rows(size)
    found = feed(Fairness(subject(*BINARY, size, columns=COLUMNS)), y, p, task=BINARY, columns=columns)
    for m in found.metrics:
        if m.confidence is not None:
            assert (m.n, m.low, m.high) == (0, 0.0, 1.0)
    assert found.charts == []


def test_a_group_without_positives_leaves_equalised_odds_unknown():
    y, p, columns = rows(400)
    y = np.where(columns["sex"] == 0, 0, y)
    found = feed(Fairness(subject(*BINARY, 400, columns=COLUMNS), columns=["sex"]), y, p, task=BINARY, columns=columns)
    assert value(found, "demographic_parity_difference", "sex").n == 400
    assert value(found, "equalised_odds_difference", "sex").n == 0


@pytest.mark.parametrize("per_group", [60, 250, 800, 3000])
def test_what_passes_or_is_near_was_measured_finely_enough(per_group):
    """Only an interval whose half is at most half the threshold can pass: half-width <= threshold / 2."""
    n = 2 * per_group
    sex = np.arange(n) % 2
    rng = np.random.default_rng(per_group)
    said = rng.integers(0, 2, n)
    found = feed(
        Fairness(subject(*BINARY, n, columns=COLUMNS), columns=["sex"]), said, np.eye(2)[said], task=BINARY, columns={"sex": sex}
    )
    m = value(found, "demographic_parity_difference", "sex")
    measured = SimpleNamespace(**{slot: getattr(m, slot) for slot in m.__slots__}, check_name=m.check)
    line = {"check": "fairness", "metric": m.name, "label": "sex", "bound": "upper", "maximum": 0.1}
    outcome = judge([measured], [line]).outcome
    half = (m.high - m.low) / 2
    assert outcome == ("passed" if m.high <= 0.1 else "inconclusive") and (outcome != "passed" or half <= 0.05)


def test_outcomes_may_be_chosen():
    y, p, columns = rows(k=3)
    found = feed(Fairness(subject(*THREE, 3000, columns=COLUMNS), outcomes=["c"]), y, p, task=THREE, columns=columns)
    assert value(found, "demographic_parity_difference", "sex").value == pytest.approx(
        definitions(y, p.argmax(axis=1), columns["sex"], 2)["demographic_parity_difference"]
    )
    assert "predicted as c" in found.charts[0].description


@pytest.mark.parametrize(
    ("task", "columns", "more", "sentence"),
    [
        (BINARY, {}, {}, "no column that names parts"),
        (THREE, COLUMNS, {"outcomes": ["z"]}, "outcome 'z', which the model does not have"),
        (THREE, COLUMNS, {"outcomes": []}, "outcome 'none'"),
        (("multiclass", [str(i) for i in range(51)]), COLUMNS, {}, "At most 50 classes"),
    ],
)
def test_what_cannot_be_compared_is_not_run(task, columns, more, sentence):
    with pytest.raises(NotRun, match=sentence):
        Fairness(subject(*task, 10, columns=columns), **more)


def test_groups_of_no_rows_are_a_mistake_of_the_suite():
    with pytest.raises(CannotMeasure, match="at least 1"):
        Fairness(subject(*BINARY, 10, columns=COLUMNS), min_group=0)


def test_charts_of_several_columns_have_names_of_their_own():
    y, p, columns = rows()
    found = feed(Fairness(subject(*BINARY, 3000, columns=COLUMNS)), y, p, task=BINARY, columns=columns)
    assert [chart.name for chart in found.charts] == ["fairness", "fairness_2"]
    assert all({c["key"] for c in chart.columns} == set(chart.rows[0]) for chart in found.charts)
