"""What a threshold on the score finds: counted as the definition says, and the interval covers what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_curve

from measures.estimate import NotMeasurable
from measures.membership import found_at


def test_the_share_found_is_the_true_positive_rate_at_that_false_positive_rate():
    rng = np.random.default_rng(0)
    members, others = rng.normal(0.7, 1, 900), rng.normal(0, 1, 1200)
    fpr, tpr, _ = roc_curve(np.r_[np.ones(900), np.zeros(1200)], np.r_[members, others], drop_intermediate=False)
    for rate in (0.01, 0.1):
        assert found_at(members, others, false_alarms=rate).value == pytest.approx(tpr[fpr <= rate + 1e-12].max())


@pytest.mark.parametrize(("shift", "n"), [(0.0, 1000), (1.0, 1000), (0.5, 3000)])
def test_the_interval_covers_the_rate_that_more_rows_would_show(shift, n):
    rng = np.random.default_rng(1)
    truth = norm.sf(norm.isf(0.01), loc=shift)
    covered = 0
    for _ in range(400):
        found = found_at(rng.normal(shift, 1, n), rng.normal(0, 1, n))
        covered += found.low <= truth <= found.high
    assert covered / 400 >= 0.95


def test_too_few_others_place_no_threshold():
    found = found_at(np.full(50, 2.0), np.arange(10.0) / 10)
    assert (found.value, found.low) == (1.0, 0.0)  # above all ten, which shows nothing of one in a hundred
    assert found_at(np.zeros(50), np.arange(2.0), false_alarms=0.5).high == 1.0


def test_equal_scores_find_nobody():
    assert found_at(np.ones(500), np.ones(500)).value == 0.0


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(NotMeasurable, match="both sides"):
        found_at(np.array([]), np.ones(3))
    with pytest.raises(NotMeasurable, match="finite"):
        found_at(np.array([np.nan]), np.ones(3))
