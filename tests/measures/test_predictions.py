"""The two rules on the prediction distribution (A5), on real digits: as they are, rotated, darkened."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from measures.estimate import NotMeasurable
from measures.moments import Moments, Reference
from measures.predictions import check_predictions, source_rule


@pytest.fixture(scope="module")
def digits():
    """A classifier trained on 900 digits, the reference from 450 others, and 447 fresh images [n, 8, 8] in 0..1."""
    data = load_digits()
    images, labels = data.images / 16.0, data.target
    order = np.random.default_rng(0).permutation(len(images))
    train, hold, fresh = order[:900], order[900:1350], order[1350:]
    model = LogisticRegression(max_iter=300).fit(images[train].reshape(900, 64), labels[train])

    def answers(x):
        return model.predict_proba(x.reshape(len(x), 64))

    return answers, Reference.of(Moments.of(answers(images[hold]))), images[fresh]


def test_fresh_digits_raise_no_alert(digits):
    answers, reference, fresh = digits
    check = check_predictions(Moments.of(answers(fresh)), reference)
    assert not check.fired and check.source.applied and check.interval.applied
    assert check.sentence == "The predictions of 447 rows are distributed as expected."


@pytest.mark.parametrize("what", ["rotated", "darkened", "noise"])
def test_damaged_digits_fire_the_interval_rule_and_name_the_classes(digits, what):
    answers, reference, fresh = digits
    damaged = {
        "rotated": np.rot90(fresh, axes=(1, 2)),
        "darkened": fresh * 0.2,
        "noise": np.random.default_rng(1).random(fresh.shape),
    }[what]
    moments = Moments.of(answers(damaged))
    check = check_predictions(moments, reference)
    assert check.interval.fired and check.fired
    outside = [row for row in check.classes if row.outside]
    assert all(abs(row.difference) >= 0.05 for row in outside)
    largest = max(check.classes, key=lambda row: abs(row.difference))
    assert largest.outside and f"“{largest.label}” ({largest.reference:.3f} → {largest.mean:.3f})" in check.sentence
    assert all((row.mean < row.low or row.mean > row.high) == row.outside for row in check.classes)


def test_the_source_rule_is_the_mean_over_the_batch_below_0_05(digits):
    answers, _, fresh = digits
    p = answers(np.rot90(fresh, axes=(1, 2)))
    rule = source_rule(Moments.of(p))
    assert rule.fired == bool((p.mean(axis=0) < 0.05).any()) and rule.fired
    assert rule.sentence.startswith("The mean probability over 447 rows lies below 0.05 for")


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 20), st.integers(1, 40), st.integers(0, 1000))
def test_the_source_rule_fires_exactly_as_written(k, n, seed):
    p = np.random.default_rng(seed).dirichlet(np.full(k, 3.0), n)
    assert source_rule(Moments.of(p)).fired == bool((p.mean(axis=0) < 0.05).any())


def test_a_mean_of_exactly_0_05_does_not_fire():
    assert not source_rule(Moments(20, np.full(20, 1.0), np.full(20, 0.05))).fired
    assert not source_rule(Moments(1, np.array([0.05, 0.95]), np.array([0.0025, 0.9025]))).fired


def test_above_twenty_classes_the_source_rule_is_off_and_says_that_it_always_fires():
    uniform = Moments.of(np.full((50, 21), 1 / 21))
    off = source_rule(uniform)
    assert (off.applied, off.fired) == (False, False)
    assert "With 21 classes some mean always lies below 0.05" in off.sentence and "off by default" in off.sentence
    on = source_rule(uniform, enabled=True)
    assert on.fired and "always fires" in on.sentence
    assert source_rule(Moments.of(np.full((50, 20), 1 / 20))).applied
    assert "policy" in source_rule(Moments.of(np.full((5, 2), 0.5)), enabled=False).sentence


def _shifted(n, shift, seed=0):
    rng = np.random.default_rng(seed)
    p = np.clip(rng.normal(0.5 + shift, 0.1, n), 0, 1)
    return Moments.of(np.column_stack([p, 1 - p]))


def test_a_real_but_tiny_difference_does_not_fire():
    """A million rows make 0.002 significant (z about 14); the minimum effect keeps it from being an alert."""
    reference = Reference.of(_shifted(1_000_000, 0.0))
    check = check_predictions(_shifted(1_000_000, 0.002, seed=1), reference)
    assert abs(check.classes[0].z) > 10 and not check.interval.fired
    assert check_predictions(_shifted(1_000_000, 0.002, seed=1), reference, minimum_effect=0.001).interval.fired


def test_a_large_but_uncertain_difference_does_not_fire():
    rng = np.random.default_rng(2)
    sure = rng.random((40, 1)) < 0.5
    reference = Reference(40, np.array([0.5, 0.5]), np.array([0.25, 0.25]))
    moments = Moments.of(np.column_stack([sure, ~sure]).astype(float))
    moments = Moments(40, np.array([26.0, 14.0]), np.array([26.0, 14.0]))
    check = check_predictions(moments, reference)
    assert check.classes[0].difference == pytest.approx(0.15) and not check.interval.fired


def test_both_sampling_errors_count():
    moments = Moments(4000, np.array([2400.0, 1600.0]), np.array([2400.0, 1600.0]))
    large, small = (Reference(n, np.array([0.5, 0.5]), np.array([0.25, 0.25])) for n in (4000, 40))
    assert check_predictions(moments, large).interval.fired
    assert not check_predictions(moments, small).interval.fired


def test_z_is_welchs_and_bonferroni_counts_the_classes():
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW  # noqa: PLC0415 - slow to import, one test needs it

    rng = np.random.default_rng(8)
    a, b = rng.dirichlet(np.ones(3), 200), rng.dirichlet(np.ones(3), 300)
    check = check_predictions(Moments.of(a), Reference.of(Moments.of(b)))
    for i, row in enumerate(check.classes):
        z, _ = CompareMeans(DescrStatsW(a[:, i]), DescrStatsW(b[:, i])).ztest_ind(usevar="unequal")
        assert row.z == pytest.approx(z, rel=1e-9)
    reference = Reference(400, np.full(10, 0.1), np.full(10, 0.01))

    def fires(z, classes):
        mean = np.full(classes, 1 / classes)
        other = Reference(400, mean.copy(), np.full(classes, 0.01))
        sums = mean * 400
        step = z * np.sqrt(0.02 / 400) * 400
        sums[0] += step
        sums[1] -= step
        squares = 0.01 * 399 + sums**2 / 400
        moments = Moments(400, sums, squares)
        return check_predictions(moments, other, minimum_effect=0.0).interval.fired

    assert reference.n == 400
    assert fires(3.6, 2) and not fires(3.3, 2)  # 99.9 % over 2 classes: 3.48
    assert fires(4.0, 10) and not fires(3.8, 10)  # over 10 classes: 3.89


def test_without_drift_the_interval_rule_is_silent_999_times_of_1000():
    rng = np.random.default_rng(5)
    reference = Reference.of(Moments.of(rng.dirichlet(np.full(10, 0.2), 450)))
    fired = sum(
        check_predictions(Moments.of(rng.dirichlet(np.full(10, 0.2), 200)), reference, minimum_effect=0.0).interval.fired
        for _ in range(1000)
    )
    assert fired <= 6


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_batches_add_up_to_the_whole(k, n, m, seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(k), n + m)
    parts, whole = Moments.of(p[:n]) + Moments.of(p[n:]), Moments.of(p)
    assert parts.n == whole.n and np.allclose(parts.mean, whole.mean) and np.allclose(parts.variance, whole.variance)
    assert np.allclose(whole.variance, p.var(axis=0, ddof=1))


def test_few_observations_are_not_judged_by_the_interval_rule():
    reference = Reference(450, np.array([0.5, 0.5]), np.array([0.2, 0.2]))
    check = check_predictions(Moments.of(np.array([[1.0, 0.0]] * 29)), reference)
    assert not check.interval.applied and "29 rows, fewer than the 30" in check.interval.sentence
    assert check.source.fired  # the source's rule knows no sample size
    assert check_predictions(Moments.of(np.array([[1.0, 0.0]] * 30)), reference).interval.fired
    one = Moments.of(np.array([[0.3, 0.7]]))
    assert one.variance == pytest.approx([0.21, 0.21])


def test_a_constant_model_is_told_from_a_changed_constant():
    constant = Reference(100, np.array([0.5, 0.5]), np.zeros(2))
    same, other = (Moments.of(np.array([[p, 1 - p]] * 100)) for p in (0.5, 0.7))
    assert not check_predictions(same, constant).fired and check_predictions(other, constant).interval.fired


@pytest.mark.parametrize(
    ("n", "sums", "squares", "why"),
    [
        (0, [1.0], [1.0], "no observation"),
        (2, [1.0, 1.0], [1.0], "one number for each class"),
        (2, [1.0, 2.0], [1.0, 1.0], "not sums of softmax"),
        (2, [3.0, -1.0], [3.0, 0.0], "not sums of softmax"),
        (2, [1.0, 1.0], [1.5, 0.5], "not sums of softmax"),
        (2, [1.0, np.nan], [1.0, 1.0], "not a finite"),
        (100, [50.0, 50.0], [1.0, 25.0], "smaller than any rows"),
    ],
)
def test_sums_that_no_predictions_have_are_refused(n, sums, squares, why):
    with pytest.raises(NotMeasurable, match=why):
        Moments(n, np.array(sums), np.array(squares))


def test_other_classes_and_other_references_are_refused():
    reference = Reference(450, np.array([0.5, 0.5]), np.array([0.2, 0.2]))
    three = Moments.of(np.full((40, 3), 1 / 3))
    with pytest.raises(NotMeasurable, match="different models"):
        check_predictions(three, reference)
    with pytest.raises(NotMeasurable, match="cannot be added"):
        three + Moments.of(np.full((40, 2), 1 / 2))
    with pytest.raises(NotMeasurable, match="not a distribution"):
        Reference(450, np.array([0.5, 0.9]), np.array([0.2, 0.2]))
    with pytest.raises(NotMeasurable, match="names for 2 classes"):
        check_predictions(Moments.of(np.full((40, 2), 0.5)), reference, labels=["a"])
    with pytest.raises(NotMeasurable, match="minimum effect"):
        check_predictions(Moments.of(np.full((40, 2), 0.5)), reference, minimum_effect=5)
