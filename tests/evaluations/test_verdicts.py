"""The truth table of verdicts, and the sentences that people read."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from evaluations.verdicts import judge, threshold_of
from measures.proportions import jeffreys, proportion, rows_to_settle


@dataclass(frozen=True)
class Number:
    check_name: str = "performance"
    name: str = "accuracy"
    label: str = ""
    value: float = 0.9
    low: float | None = None
    high: float | None = None
    confidence: float | None = 0.95
    method: str = "jeffreys"
    n: int = 450
    unit: str = "proportion"


def share(right, n, name="accuracy", label=""):
    e = proportion(right, n)
    return Number(name=name, label=label, value=e.value, low=e.low, high=e.high, n=n)


def minimum(limit, metric="accuracy", label="", check="performance"):
    return {"check": check, "metric": metric, "label": label, "bound": "lower", "minimum": limit}


def maximum(limit, metric="log_loss", label="", check="performance"):
    return {"check": check, "metric": metric, "label": label, "bound": "upper", "maximum": limit}


def only(metrics, line):
    verdict = judge(metrics, [line])
    assert len(verdict.checks) == 1 and verdict.checks[0].threshold == line
    return verdict.outcome, verdict.checks[0]


@pytest.mark.parametrize(
    ("low", "value", "high", "line", "outcome"),
    [
        (0.96, 0.97, 0.98, minimum(0.95), "passed"),
        (0.95, 0.97, 0.98, minimum(0.95), "passed"),  # reaching the minimum is enough
        (0.94, 0.97, 0.98, minimum(0.95), "inconclusive"),  # the point is above: it does not count
        (0.90, 0.94, 0.95, minimum(0.95), "inconclusive"),  # the upper bound still reaches it
        (0.90, 0.93, 0.949, minimum(0.95), "failed"),
        (0.10, 0.20, 0.30, maximum(0.4), "passed"),
        (0.10, 0.20, 0.30, maximum(0.3), "passed"),
        (0.10, 0.20, 0.30, maximum(0.29), "inconclusive"),
        (0.10, 0.20, 0.30, maximum(0.1), "inconclusive"),
        (0.10, 0.20, 0.30, maximum(0.09), "failed"),
        (None, 0.20, 0.30, maximum(0.4), "passed"),
        (0.10, 0.20, None, maximum(0.4), "inconclusive"),  # no upper bound at all is never a pass
        (0.50, 0.60, None, maximum(0.4), "failed"),
        (None, 0.97, 0.98, minimum(0.95), "inconclusive"),
    ],
)
def test_the_bound_decides_and_never_the_point(low, value, high, line, outcome):
    number = Number(name=line["metric"], value=value, low=low, high=high)
    assert only([number], line)[1].outcome == outcome
    assert judge([number], [line]).outcome == outcome


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0, 1))
def test_a_pass_means_that_the_lower_bound_reaches_the_minimum(counts, limit):
    right, n = counts
    low, high = jeffreys(right, n)
    outcome, check = only([share(right, n)], minimum(limit))
    assert (outcome == "passed") == (low >= limit) and (outcome == "failed") == (high < limit)
    assert (check.rows_needed is not None) <= (outcome == "inconclusive")


@given(st.integers(1, 199), st.floats(0.01, 0.99))
def test_more_right_rows_never_make_a_verdict_worse(right, limit):
    order = ["failed", "inconclusive", "passed"]
    before, after = (only([share(r, 200)], minimum(limit))[0] for r in (right, right + 1))
    assert order.index(after) >= order.index(before)


@pytest.mark.parametrize(
    ("right", "sentence"),
    [
        (440, "Accuracy 97.8 % (95 % interval 96.1–98.9 %, 450 rows) meets the minimum of 95 % on its lower bound."),
        (400, "Accuracy 88.9 % (95 % interval 85.7–91.5 %, 450 rows) misses the minimum of 95 % even on its upper bound."),
        (
            432,
            "Accuracy 96.0 % (95 % interval 93.9–97.5 %, 450 rows) does not settle the minimum of 95 %, because that lies inside "
            "the interval; about 1,800 rows at the same rate would settle it.",
        ),
    ],
)
def test_each_verdict_is_one_clear_sentence(right, sentence):
    assert only([share(right, 450)], minimum(0.95))[1].sentence == sentence


def test_inconclusive_says_how_many_rows_would_settle_it():
    check = only([share(432, 450)], minimum(0.95))[1]
    needed = rows_to_settle(0.96, 0.95)
    assert check.rows_needed == needed and jeffreys(0.96 * needed, needed)[0] >= 0.95
    below = only([share(425, 450)], minimum(0.95))[1]
    assert below.outcome == "inconclusive" and jeffreys(425 / 450 * below.rows_needed, below.rows_needed)[1] < 0.95
    assert only([share(95, 100)], minimum(0.95))[1].rows_needed is None  # exactly on the limit no number of rows tells


def test_other_intervals_narrow_with_the_square_root_of_the_rows():
    number = Number(name="macro_f1", value=0.96, low=0.94, high=0.97, n=450, method="bootstrap of cells, 2,000 replicates")
    check = only([number], minimum(0.95, "macro_f1"))[1]
    assert check.rows_needed == 1800  # half the distance needs four times the rows
    assert "about 1,800 rows" in check.sentence
    unbounded = replace(number, low=None)
    check = only([unbounded], minimum(0.95, "macro_f1"))[1]
    assert check.rows_needed is None and "no lower bound" in check.sentence


def test_what_was_not_measured_is_not_run_and_blocks():
    outcome, check = only([], minimum(0.95))
    assert (outcome, check.outcome, check.value, check.n) == ("inconclusive", "not_run", None, 0)
    assert check.sentence == "Accuracy was not measured, so the minimum of 95 % is not shown to be met."
    elsewhere = Number(check_name="robustness", value=1.0, low=1.0, high=1.0)
    assert only([elsewhere], minimum(0.95))[1].outcome == "not_run"
    assert only([share(450, 450, label="night")], minimum(0.95))[1].outcome == "not_run"


def test_the_worst_class_decides():
    recalls = [share(44, 45, "recall", str(c)) for c in range(9)] + [share(38, 45, "recall", "9")]
    outcome, check = only(recalls, minimum(0.7, "recall", "*"))
    assert (outcome, check.label) == ("passed", "9")
    assert check.sentence.startswith("Recall of class 9, the worst of 10 classes, 84.4 % (95 % interval 71.9–92.8 %, 45 rows of")
    outcome, check = only(recalls, minimum(0.8, "recall", "*"))
    assert (outcome, check.label) == ("inconclusive", "9") and "rows of the class at the same rate" in check.sentence
    outcome, check = only(recalls, minimum(0.93, "recall", "*"))
    assert (outcome, check.label) == ("failed", "9")


def test_the_worst_is_the_one_with_the_lowest_bound_not_the_lowest_point():
    few, many = share(9, 10, "recall", "rare"), share(890, 1000, "recall", "common")
    assert few.value > many.value and few.low < many.low
    both_open = only([many, few], minimum(0.88, "recall", "*"))[1]
    assert (both_open.outcome, both_open.label) == ("inconclusive", "rare")
    missed = [share(2, 10, "recall", "rare"), share(300, 1000, "recall", "common")]
    assert missed[0].value < missed[1].value and missed[0].high > missed[1].high
    both_missed = only(missed, minimum(0.88, "recall", "*"))[1]
    assert (both_missed.outcome, both_missed.label) == ("failed", "common")  # even its favourable bound is the lowest


def test_several_classes_that_came_out_the_same_are_counted():
    recalls = [share(30, 45, "recall", str(c)) for c in range(3)] + [share(45, 45, "recall", "3")]
    assert only(recalls, minimum(0.9, "recall", "*"))[1].sentence.endswith("The same holds for 2 other classes.")


def test_a_class_without_rows_is_not_run_even_when_all_others_pass():
    recalls = [share(450, 450, "recall", "0"), share(0, 0, "recall", "1")]
    outcome, check = only(recalls, minimum(0.8, "recall", "*"))
    assert (outcome, check.outcome, check.label, check.value) == ("inconclusive", "not_run", "1", None)
    assert "Recall of class 1 is not known" in check.sentence
    assert only([*recalls, share(1, 45, "recall", "2")], minimum(0.8, "recall", "*"))[0] == "failed"


def test_no_class_at_all_is_not_run():
    check = only([share(450, 450, "recall")], minimum(0.8, "recall", "*"))[1]
    assert check.outcome == "not_run" and check.sentence.startswith("Recall was not measured")


@pytest.mark.parametrize(
    "number",
    [
        Number(value=math.nan, low=0.96, high=0.99),
        Number(value=1.0, low=0.96, high=0.99),
        Number(value=0.5, low=0.96, high=0.99),
        Number(value=math.inf, low=0.96, high=None),
        Number(value=0.97, low=0.96, high=0.99, n=0),
    ],
)
def test_what_is_no_measurement_never_passes(number):
    outcome, check = only([number], minimum(0.5))
    assert (outcome, check.outcome) == ("inconclusive", "not_run")


def test_a_number_recorded_twice_does_not_count():
    assert only([share(450, 450), share(1, 450)], minimum(0.5))[1].outcome == "not_run"
    twice = [share(45, 45, "recall", "1"), share(45, 45, "recall", "1")]
    assert only(twice, minimum(0.5, "recall", "*"))[1].outcome == "not_run"


def test_counted_numbers_are_their_own_bounds():
    size = Number(check_name="resources", name="peak_memory", value=300 * 2**20, confidence=None, n=1, unit="bytes")
    assert only([size], maximum(512 * 2**20, "peak_memory", check="resources"))[0] == "passed"
    outcome, check = only([size], maximum(256 * 2**20, "peak_memory", check="resources"))
    assert outcome == "failed"
    assert check.sentence == "Peak memory 314.6 MB (counted, not estimated) misses the maximum of 256 MiB."


def test_latency_without_an_upper_bound_does_not_pass():
    slow = Number("resources", "latency_p99", value=0.012, low=0.01, method="order statistics", n=30, unit="seconds")
    outcome, check = only([slow], maximum(0.02, "latency_p99", check="resources"))
    assert outcome == "inconclusive" and check.rows_needed is None
    assert check.sentence.startswith(
        "Latency at the 99th percentile 12.00 ms (at least 10.00 ms at 95 %, no upper bound, 30 timed batches) does not settle "
        "the maximum of 20 ms"
    )


def test_all_thresholds_count():
    numbers = [share(440, 450), share(30, 45, "recall", "1")]
    good, bad, open_, missing = minimum(0.95), minimum(0.9, "recall", "*"), minimum(0.97), minimum(0.1, "mcc")
    assert judge(numbers, [good]).outcome == "passed"
    assert judge(numbers, [good, open_]).outcome == "inconclusive"
    assert judge(numbers, [good, missing]).outcome == "inconclusive"
    assert judge(numbers, [missing, bad, open_]).outcome == "failed"
    assert judge(numbers, [good, bad]).sentence == "1 of 2 thresholds are met."
    assert judge(numbers, [good]).sentence == "The threshold is met."


def test_without_thresholds_nothing_passes():
    verdict = judge([share(450, 450)], [])
    assert verdict.outcome == "inconclusive" and verdict.sentence == "No threshold was set, so nothing can pass."


def test_rounding_never_hides_a_missed_threshold():
    """94.96 % would be written 95.0 %, and the reader would see 95.0 % miss a minimum of 95 %."""
    number = Number(value=0.96, low=0.94996, high=0.97)
    sentence = only([number], minimum(0.95))[1].sentence
    assert "interval 94.996–97.000 %" in sentence


@pytest.mark.parametrize(
    "line",
    [
        {"metric": "accuracy", "bound": "lower", "minimum": 0.5},
        {"check": "performance", "bound": "lower", "minimum": 0.5},
        {"check": "performance", "metric": "accuracy", "bound": "upper", "minimum": 0.5},
        {"check": "performance", "metric": "accuracy", "minimum": 0.5},
        {"check": "performance", "metric": "accuracy", "bound": "lower"},
        {"check": "performance", "metric": "accuracy", "bound": "lower", "minimum": 0.5, "maximum": 0.6},
        {"check": "performance", "metric": "accuracy", "bound": "lower", "minimum": "0.5"},
        {"check": "performance", "metric": "accuracy", "bound": "lower", "minimum": True},
        {"check": "performance", "metric": "accuracy", "bound": "lower", "minimum": math.nan},
        {"check": "performance", "metric": "accuracy", "bound": "lower", "minimum": 0.5, "mimimum": 0.9},
        "accuracy >= 0.5",
    ],
)
def test_a_threshold_that_cannot_be_judged_is_refused_and_passes_nothing(line):
    with pytest.raises(InvalidInput):
        threshold_of(line)
    verdict = judge([share(450, 450)], [line])
    assert (verdict.outcome, verdict.checks[0].outcome) == ("inconclusive", "not_run")


def test_the_verdict_of_the_same_numbers_changes_with_the_policy_only():
    numbers = [share(440, 450)]
    assert [judge(numbers, [minimum(limit)]).outcome for limit in (0.95, 0.97, 0.995)] == ["passed", "inconclusive", "failed"]
