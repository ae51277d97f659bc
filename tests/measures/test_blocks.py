"""Sums by blocks: means equal the oracle, shards merge exactly, intervals cover, clusters count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from measures.blocks import Blocks, mean_of, splitmix64
from measures.estimate import NotMeasurable
from measures.scores import WORST_BRIER, WORST_LOG_LOSS, brier_scores, checked_probabilities, log_losses


def _mean(values, *, first_row=0, groups=None, blocks=2048, **options):
    sums = Blocks(1, blocks)
    sums.add(np.asarray(values, dtype=float)[:, None], first_row=first_row, groups=groups)
    return sums.bootstrap(mean_of(0), least=-1e9, greatest=1e9, **options)


def _answers(n=400, k=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(k, 0.5), n), rng.integers(0, k, n)


def test_log_loss_and_brier_equal_the_oracle():
    p, y = _answers()
    assert log_losses(p, y).mean() == pytest.approx(log_loss(y, p, labels=range(5)), rel=1e-9)
    assert brier_scores(p, y).mean() == pytest.approx(brier_score_loss(y, p, labels=range(5), scale_by_half=False))


@pytest.mark.parametrize(("p", "y", "loss", "brier"), [([[1, 0]], [0], 0, 0), ([[1, 0]], [1], WORST_LOG_LOSS, WORST_BRIER)])
def test_sure_answers_have_the_least_and_the_greatest_score(p, y, loss, brier):
    p, y = np.array(p, dtype=float), np.array(y)
    assert log_losses(p, y) == pytest.approx([loss]) and brier_scores(p, y) == pytest.approx([brier])


@pytest.mark.parametrize(
    ("p", "why"),
    [
        ([[0.5, np.nan]], "1 of 1 rows with values that are not finite"),
        ([[0.5, 0.6]], "not a distribution"),
        ([[1.5, -0.5]], "not a distribution"),
        ([0.5, 0.5], "rows by classes"),
    ],
)
def test_what_is_no_distribution_is_refused(p, why):
    with pytest.raises(NotMeasurable, match=why):
        checked_probabilities(np.array(p))


def test_up_to_the_number_of_blocks_it_is_the_bootstrap_of_the_rows():
    values = np.random.default_rng(1).exponential(size=300)
    ours = _mean(values, replicates=6000)
    rows = values[np.random.default_rng(2).integers(0, 300, (6000, 300))].mean(axis=1)
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(rows, [0.025, 0.975])), abs=0.012)
    assert ours.method.startswith("bootstrap of 300 blocks")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(0, 60))
def test_shards_merge_to_the_same_sums(values, cut):
    whole, first, second = Blocks(1, 16), Blocks(1, 16), Blocks(1, 16)
    rows = np.array(values)[:, None]
    whole.add(rows)
    first.add(rows[:cut])
    second.add(rows[cut:], first_row=len(rows[:cut]))
    first.merge(second)
    assert (first.rows == whole.rows).all() and np.allclose(first.sums, whole.sums)
    e = whole.bootstrap(mean_of(0), least=-1e6, greatest=1e6, replicates=30)
    assert e.low <= e.value <= e.high and e.value == pytest.approx(np.mean(values), abs=1e-6)


@pytest.mark.parametrize(("n", "blocks", "least"), [(60, 2048, 0.92), (400, 2048, 0.92), (6000, 512, 0.925)])
def test_the_interval_covers_the_mean(n, blocks, least):
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(250):
        e = _mean(rng.gamma(2.0, size=n), blocks=blocks, replicates=300)
        hits += e.low <= 2.0 <= e.high
    assert hits / 250 >= least


def test_clustered_rows_need_their_groups():
    """200 users of 20 rows that are alike: the row bootstrap is far too sure, the cluster bootstrap is not."""
    rng = np.random.default_rng(4)
    rows, clusters = 0, 0
    for _ in range(120):
        values = (rng.normal(size=200)[:, None] + 0.5 * rng.normal(size=(200, 20))).ravel()
        groups = np.repeat(np.arange(200), 20)
        a, b = _mean(values, replicates=200), _mean(values, groups=groups, replicates=200)
        rows += a.low <= 0 <= a.high
        clusters += b.low <= 0 <= b.high
    assert clusters / 120 >= 0.89 and rows / 120 < 0.6


def test_few_rows_are_not_sure():
    one = _mean([0.01])
    assert (one.low, one.high) == (-1e9, 1e9)
    two = _mean([0.01, 0.03])
    assert two.low < 0 and two.high > 0.03  # Student's factor at one degree of freedom, not the percentile of two values


def test_empty_and_foreign_sums_are_refused():
    with pytest.raises(NotMeasurable, match="no row"):
        Blocks(1).bootstrap(mean_of(0), least=0, greatest=1)
    with pytest.raises(NotMeasurable, match="same shape"):
        Blocks(1).merge(Blocks(2))
    with pytest.raises(NotMeasurable, match="not of shape"):
        Blocks(2).add(np.zeros((3, 1)))
    with pytest.raises(NotMeasurable, match="not a finite number"):
        Blocks(1).add(np.array([[np.nan]]))


def test_the_hash_is_splitmix64():
    """The first outputs of the published generator seeded with 1234567 are the finaliser at multiples of the golden gamma."""
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + i * gamma) % 2**64 for i in range(3)], dtype=np.uint64)
    assert [int(x) for x in splitmix64(states)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]
