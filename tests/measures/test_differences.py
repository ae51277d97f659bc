"""Differences of proportions: equal to statsmodels, gaps of many groups that do not grow by chance, one row under two models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep

from measures import confusion, differences
from measures.classification import OVERALL
from measures.estimate import NotMeasurable, exact, unknown
from measures.paired import PairedCells, metric_differences


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (10, 10, 0, 20), (0, 5, 0, 9), (3, 3, 4, 4), (1, 1, 0, 1)])
def test_newcombes_interval_is_that_of_statsmodels(counts):
    k1, n1, k2, n2 = counts
    expected = confint_proportions_2indep(k1, n1, k2, n2, method="newcomb")
    assert differences.newcombe((k1, n1), (k2, n2)) == pytest.approx(expected, abs=1e-9)


def test_the_ratios_interval_is_near_the_score_interval():
    for counts in ((56, 70, 48, 80), (300, 1000, 250, 1000), (5, 100, 9, 100)):
        k1, n1, k2, n2 = counts
        expected = confint_proportions_2indep(k1, n1, k2, n2, compare="ratio", method="score")
        assert differences.ratio_interval((k1, n1), (k2, n2)) == pytest.approx(expected, rel=0.06)


@pytest.mark.parametrize(("groups", "rate"), [(2, 0.5), (5, 0.3), (20, 0.5)])
def test_equal_groups_are_not_found_unequal(groups, rate):
    rng, held_gap, held_ratio = np.random.default_rng(3), 0, 0
    for _ in range(200):
        counts = [(int(k), 100) for k in rng.binomial(100, rate, groups)]
        held_gap += differences.gap(counts).low == 0.0
        held_ratio += differences.ratio(counts).high == 1.0
    assert held_gap >= 182 and held_ratio >= 182  # 95 % of 200 are 190; three deviations below


def test_the_interval_of_a_real_gap_covers_it():
    rng, rates = np.random.default_rng(4), np.array([0.45, 0.5, 0.5, 0.5, 0.55])
    gaps = ratios = 0
    for _ in range(200):
        counts = [(int(k), 500) for k in rng.binomial(500, rates)]
        e, r = differences.gap(counts), differences.ratio(counts)
        gaps += e.low <= 0.1 <= e.high
        ratios += r.low <= 0.45 / 0.55 <= r.high
    assert gaps >= 186 and ratios >= 186


def test_a_gap_is_the_greatest_and_a_ratio_the_smallest_of_the_pairs():
    counts = [(30, 100), (60, 100), (45, 100)]
    gap, ratio = differences.gap(counts), differences.ratio(counts)
    assert gap.value == pytest.approx(0.3) and ratio.value == pytest.approx(0.5) and gap.n == 300
    share = 1 - 0.05 / 3
    assert (gap.low, gap.high) == pytest.approx(differences.newcombe((60, 100), (30, 100), confidence=share))
    assert ratio.low == pytest.approx(differences.ratio_interval((30, 100), (60, 100), confidence=share)[0])
    wider = differences.gap(counts, comparisons=6)
    assert wider.low < gap.low and wider.high > gap.high and wider.method == "newcombe, 6 pairs at once"


@pytest.mark.parametrize("counts", [[], [(3, 10)], [(3, 10), (0, 0)]])
def test_fewer_than_two_groups_tell_nothing(counts):
    for estimate in (differences.gap(counts), differences.ratio(counts)):
        assert (estimate.n, estimate.low, estimate.high) == (0, 0.0, 1.0)


def test_degenerate_groups():
    assert differences.gap([(0, 40), (0, 50)]).value == 0.0 < differences.gap([(0, 40), (0, 50)]).high < 0.2
    assert not differences.ratio([(0, 40), (0, 50)]).known  # nothing to divide by
    full = differences.ratio([(0, 40), (50, 50)])
    assert (full.value, full.low) == (0.0, 0.0) and full.high < 0.2
    assert differences.newcombe((0, 0), (1, 2)) == (-1.0, 1.0)
    assert differences.ratio_interval((1, 2), (0, 5)) == pytest.approx((differences.ratio_interval((1, 2), (0, 5))[0], math.inf))
    with pytest.raises(NotMeasurable):
        differences.gap([(11, 10), (3, 10)])


def test_the_widest_of_gaps_and_the_narrowest_of_ratios():
    a, b = differences.gap([(10, 100), (30, 100)]), differences.gap([(10, 1000), (200, 1000)])
    both = differences.widest(a, b)
    assert (both.value, both.low, both.high) == (a.value, max(a.low, b.low), max(a.high, b.high))
    assert differences.narrowest(exact(0.5, n=3), exact(0.7, n=9)).value == 0.5
    nothing = unknown(0.0, 1.0, confidence=0.95, method="x")
    assert not differences.widest(a, nothing).known and not differences.narrowest(nothing, a).known


def pairs(n, *, seed=0, classes=3, better=0.5):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    old = np.where(rng.random(n) < 0.9, truth, (truth + 1) % classes)
    new = np.where((old != truth) & (rng.random(n) < better), truth, old)
    new = np.where((old == truth) & (rng.random(n) < 0.02), (truth + 2) % classes, new)
    cells = PairedCells(classes)
    for start in range(0, n, 137):
        part = slice(start, start + 137)
        cells.add(truth[part], old[part], new[part])
    return cells, truth, old, new


def test_paired_metrics_are_the_difference_of_the_oracles():
    cells, truth, old, new = pairs(700)
    found = metric_differences(cells, {"accuracy": (confusion.accuracy, 0.0, 1.0), **OVERALL}, replicates=100)
    assert found["accuracy"].value == pytest.approx(accuracy_score(truth, new) - accuracy_score(truth, old))
    assert found["kappa"].value == pytest.approx(cohen_kappa_score(truth, new) - cohen_kappa_score(truth, old))
    expected = f1_score(truth, new, average="macro") - f1_score(truth, old, average="macro")
    assert found["macro_f1"].value == pytest.approx(expected)
    assert cells.n == 700 and cells.changed == (old != new).sum()
    assert cells.gained == ((new == truth) & (old != truth)).sum() and cells.lost == ((old == truth) & (new != truth)).sum()


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 5), (12, 3), (0, 7), (1, 0), (40, 60)])
def test_mcnemar_is_that_of_statsmodels(gained, lost):
    found, mid = differences.mcnemar(gained, lost)
    assert found == pytest.approx(mcnemar([[10, gained], [lost, 10]], exact=True).pvalue)
    assert mid <= found <= 1.0


def test_the_mid_p_halves_the_probability_of_what_was_seen():
    assert differences.mcnemar(12, 3)[1] == pytest.approx(0.021270751953125)  # 2 P(X <= 3) - P(X = 3), X ~ Binomial(15, 1/2)


@pytest.mark.parametrize("n", [20, 150, 1000])
def test_the_intervals_of_paired_differences_cover_the_truth(n):
    truth = 0.1 * 0.5 - 0.9 * 0.02
    held = by_cells = 0
    for seed in range(150):
        cells, *_rows = pairs(n, seed=seed)
        e = differences.paired_difference(cells.gained, cells.lost, n)
        b = metric_differences(cells, {"accuracy": (confusion.accuracy, 0.0, 1.0)}, replicates=150, seed=seed)["accuracy"]
        held += e.low <= truth <= e.high
        by_cells += b.low <= truth <= b.high
    assert held >= 135 and by_cells >= 135


def test_models_that_never_differ_on_few_rows_are_not_taken_for_equal():
    cells = PairedCells(3)
    same = np.array([0, 1, 2, 0])
    cells.add(same, same, same)
    assert differences.paired_difference(0, 0, 4).low < -0.3
    found = metric_differences(cells, {"accuracy": (confusion.accuracy, 0.0, 1.0), **OVERALL}, replicates=200)
    assert all(e.value == 0.0 and e.low < -0.2 and e.high > 0.2 for e in found.values()), found


def test_one_class_and_no_rows():
    cells = PairedCells(2)
    with pytest.raises(NotMeasurable, match="no row"):
        metric_differences(cells, OVERALL)
    ones = np.ones(30, dtype=int)
    cells.add(ones, ones, ones)
    found = metric_differences(cells, OVERALL, replicates=50)
    assert not found["kappa"].known and found["macro_f1"].low < 0 < found["macro_f1"].high
    assert not differences.paired_difference(0, 0, 0).known
    for wrong in ((3, 3, 5), (-1, 0, 5)):
        with pytest.raises(NotMeasurable):
            differences.paired_difference(*wrong)
    with pytest.raises(NotMeasurable, match="old prediction"):
        cells.add(ones, ones * 2, ones)
    with pytest.raises(NotMeasurable, match="both models"):
        cells.add(ones, ones[:3], ones)
