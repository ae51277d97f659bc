"""Average precision: equal to the oracle, honest at its edges, covering what its interval says."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from measures.auc import binned
from measures.estimate import NotMeasurable
from measures.log_odds import LogOddsCounts, bins_of
from measures.precision import average_precision, binned_precision


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_average_precision_is_that_of_the_oracle(seed, ties):
    rng = np.random.default_rng(seed)
    positive = rng.random(200) < 0.3
    scores = rng.normal(size=200) + positive
    scores = np.round(scores) if ties else scores
    found = average_precision(scores, positive)
    assert found.value == pytest.approx(oracle.average_precision_score(positive, scores))
    assert found.low < found.value < found.high and found.n == 200
    levels = np.unique(scores)
    counts = [np.array([((scores == level) & (positive == side)).sum() for level in levels]) for side in (False, True)]
    assert binned_precision(*counts).value == pytest.approx(found.value, abs=0.1 if ties else 1e-9)


def test_average_precision_at_its_edges():
    positive = np.arange(10) < 4
    perfect = average_precision(-np.arange(10.0), positive)
    assert perfect.value == perfect.high == 1.0 and perfect.low < 0.7
    assert average_precision(np.ones(10), positive).value == pytest.approx(0.4)
    assert average_precision(np.arange(10.0), np.zeros(10, dtype=bool)).n == 0
    assert average_precision(np.ones(0), np.zeros(0, dtype=bool)).n == 0
    assert average_precision(-np.arange(10.0), positive, groups=1).low < perfect.low
    with pytest.raises(NotMeasurable):
        average_precision(np.array([np.nan]), np.array([True]))


def test_the_interval_of_average_precision_covers_what_it_says():
    rng = np.random.default_rng(5)
    many = rng.random(400_000) < 0.2
    true = average_precision(rng.normal(size=many.size) + 1.5 * many, many).value
    hits = 0
    for _ in range(300):
        positive = np.arange(300) < rng.binomial(300, 0.2)
        found = average_precision(rng.normal(size=300) + 1.5 * positive, positive)
        hits += found.low <= true <= found.high
    assert hits / 300 >= 0.94


def test_bins_of_log_odds_keep_the_areas_of_confident_models():
    rng = np.random.default_rng(6)
    positive = rng.random((60_000, 1)) < 0.3
    p = 1 / (1 + np.exp(-(6 * rng.normal(size=positive.shape) + 14 * positive - 7)))
    held = LogOddsCounts(1)
    held.add(p[:25_000], positive[:25_000])
    held.add(p[25_000:], positive[25_000:])
    area = oracle.roc_auc_score(positive[:, 0], p[:, 0])
    precision = oracle.average_precision_score(positive[:, 0], p[:, 0])
    assert binned(*held.counts[0], groups=None, confidence=0.95).value == pytest.approx(area, abs=1e-5)
    assert binned_precision(*held.counts[0]).value == pytest.approx(precision, abs=2e-4)
    assert bins_of(np.array([0.0, 0.5, 1.0])).tolist() == [0, 256, 511]
