"""Corrected t and .632+: equal to the formulas of their papers, and as bold as they say by simulation with a fixed seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from measures.estimate import NotMeasurable
from measures.proportions import jeffreys
from measures.resampling import Fold, OutOfBag, corrected_t, no_information, over_folds, over_refits, plus_632

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=12)


# -- folds -----------------------------------------------------------------------------------------------------------------


def test_scikit_learns_example_of_the_corrected_t_is_reproduced() -> None:
    """plot_grid_search_stats: 10 x 10 folds of an SVC with rbf and with linear kernel on moons; t 0.750, p 0.227."""
    from sklearn.datasets import make_moons  # noqa: PLC0415 - the oracle of this test alone
    from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score  # noqa: PLC0415 - as above
    from sklearn.svm import SVC  # noqa: PLC0415 - as above

    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    one, two = (
        cross_val_score(SVC(kernel=kernel, random_state=0), x, y, scoring="roc_auc", cv=folds) for kernel in ("rbf", "linear")
    )
    mean, error, freedom = corrected_t(list(one - two), train_rows=90, test_rows=10)
    assert freedom == 99
    assert round(mean / error, 3) == 0.750
    assert round(float(stats.t.sf(mean / error, freedom)), 3) == 0.227


@given(values=VALUES, train=st.integers(1, 1000), test=st.integers(1, 1000))
def test_the_corrected_t_is_its_formula(values: list[float], train: int, test: int) -> None:
    mean, error, freedom = corrected_t(values, train_rows=train, test_rows=test)
    k = len(values)
    middle = sum(values) / k
    spread = sum((value - middle) ** 2 for value in values) / (k - 1)
    assert (mean, freedom) == (pytest.approx(middle), k - 1)
    assert error == pytest.approx(((1 / k + test / train) * spread) ** 0.5)


def test_the_interval_of_folds_is_students() -> None:
    values = [0.9, 0.92, 0.95, 0.88, 0.91]
    found = over_folds([Fold(one, 100) for one in values], train_rows=400, test_rows=100, least=0, greatest=1)
    error = np.std(values, ddof=1) * (1 / 5 + 1 / 4) ** 0.5
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=error)
    assert (found.low, found.high, found.n, found.method) == (
        pytest.approx(low),
        pytest.approx(high),
        500,
        "corrected t, 5 folds",
    )


@given(values=VALUES)
def test_the_interval_holds_its_value_and_stays_in_range(values: list[float]) -> None:
    found = over_folds([Fold(one, 10) for one in values], train_rows=10, test_rows=10, least=0, greatest=1)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_folds_that_agree_by_chance_are_not_certain() -> None:
    """Five folds of 20 rows without a mistake have no spread, but 100 rows leave open what 100 rows leave open."""
    low, high = jeffreys(20, 20)
    found = over_folds([Fold(1.0, 20, low, high)] * 5, train_rows=80, test_rows=20, least=0, greatest=1)
    assert found.low == pytest.approx(1 - (1 - low) / 5**0.5)
    assert found.high == 1.0


@pytest.mark.parametrize(("values", "train", "test"), [([0.5], 10, 10), ([0.5, 0.6], 0, 10), ([0.5, 0.6], 10, 0)])
def test_what_shows_no_spread_is_refused(values: list[float], train: int, test: int) -> None:
    with pytest.raises(NotMeasurable):
        corrected_t(values, train_rows=train, test_rows=test)


class Nearest:
    """The nearest of two class means: a training so quick that thousands of them fit into a test."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.means = np.stack([x[y == c].mean(axis=0) if (y == c).any() else np.full(x.shape[1], 99.0) for c in (0, 1)])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return (((x - self.means[1]) ** 2).sum(axis=1) < ((x - self.means[0]) ** 2).sum(axis=1)).astype(int)


def sample(chance: np.random.Generator, n: int, *, shift: float = 1.0, columns: int = 6) -> tuple[np.ndarray, np.ndarray]:
    y = chance.integers(0, 2, n)
    x = chance.normal(size=(n, columns))
    x[:, 0] += shift * y
    x[:, columns // 2] += shift * y
    return x, y


def test_two_equal_methods_are_called_different_seldom_only_with_the_correction() -> None:
    """Ten times ten folds: the usual t is wrong in about half of all cases, the corrected one in less than 5 of 100."""
    chance = np.random.default_rng(2026)
    corrected = naive = 0
    rounds = 200
    for _ in range(rounds):
        x, y = sample(chance, 60)
        differences = []
        for _repeat in range(10):
            for held in np.array_split(chance.permutation(60), 10):
                rest = np.setdiff1d(np.arange(60), held)
                left, right = (Nearest(x[rest][:, half], y[rest])(x[held][:, half]) for half in (slice(0, 3), slice(3, 6)))
                differences.append(float((left == y[held]).mean() - (right == y[held]).mean()))
        mean, error, freedom = corrected_t(differences, train_rows=54, test_rows=6)
        corrected += abs(mean) > stats.t.ppf(0.975, freedom) * error
        naive += abs(mean) > stats.t.ppf(0.975, freedom) * np.std(differences, ddof=1) / 10
    assert corrected / rounds <= 0.05
    assert naive / rounds > 0.4


def test_the_interval_of_five_folds_covers_the_accuracy_that_the_training_reaches() -> None:
    chance = np.random.default_rng(7)
    far = sample(chance, 20_000)
    covered, rounds = 0, 400
    for _ in range(rounds):
        x, y = sample(chance, 100)
        folds, truths = [], []
        for held in np.array_split(chance.permutation(100), 5):
            rest = np.setdiff1d(np.arange(100), held)
            model = Nearest(x[rest], y[rest])
            right = int((model(x[held]) == y[held]).sum())
            folds.append(Fold(right / 20, 20, *jeffreys(right, 20)))
            truths.append(float((model(far[0]) == far[1]).mean()))
        found = over_folds(folds, train_rows=80, test_rows=20, least=0, greatest=1)
        covered += found.low <= np.mean(truths) <= found.high
    assert 0.94 <= covered / rounds <= 1.0


# -- refits ----------------------------------------------------------------------------------------------------------------


def refits(chance: np.random.Generator, n: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Bags and whether each row outside was wrong."""
    bags = [np.bincount(chance.integers(0, n, n), minlength=n) for _ in range(count)]
    return [(bag, chance.random((bag == 0).sum()) < 0.3) for bag in bags]


def test_the_leave_one_out_error_and_its_standard_error_are_the_papers() -> None:
    """Efron and Tibshirani (1997), equations 17 and 36 to 40, by loops over rows and refits."""
    n, count = 30, 200
    made = refits(np.random.default_rng(3), n, count)
    found = OutOfBag(n)
    for bag, wrong in made:
        found.add(bag, wrong)
    q = np.full((count, n), np.nan)
    for b, (bag, wrong) in enumerate(made):
        q[b, bag == 0] = wrong
    counts = np.array([bag for bag, _wrong in made])
    each = np.nanmean(q, axis=0)
    error = each.mean()
    assert found.error == pytest.approx(error)
    share = np.nansum(q, axis=1) / n
    raised = (1 - 1 / n) ** -n
    total = 0.0
    for i in range(n):
        with_error = sum((counts[b, i] - counts[:, i].mean()) * share[b] for b in range(count)) / count
        total += ((2 + 1 / (n - 1)) * (each[i] - error) / n + raised * with_error) ** 2
    noise = n * raised**2 * share.var() / count
    assert found.standard_error == pytest.approx(max(total - noise, (((each - error) / n) ** 2).sum()) ** 0.5)


def test_rows_that_are_always_drawn_together_count_as_one() -> None:
    chance = np.random.default_rng(5)
    pairs, alone = OutOfBag(40), OutOfBag(20)
    for _ in range(60):
        bag = np.bincount(chance.integers(0, 20, 20), minlength=20)
        wrong = chance.random((bag == 0).sum()) < 0.4
        alone.add(bag, wrong)
        pairs.add(np.repeat(bag, 2), np.repeat(wrong, 2))
    assert pairs.error == pytest.approx(alone.error)
    assert pairs.standard_error == pytest.approx(alone.standard_error)


@pytest.mark.parametrize(
    ("apparent", "left_out", "none", "expected"),
    [
        (0.0, 0.3, 0.5, 0.3 * 0.632 / (1 - 0.368 * 0.6)),  # R = 0.6
        (0.1, 0.1, 0.5, 0.1),  # no overfitting: R = 0
        (0.2, 0.1, 0.5, 0.368 * 0.2 + 0.632 * 0.1),  # better outside than inside: plain .632
        (0.0, 0.7, 0.5, 0.5),  # worse than nothing: R = 1, the no-information rate
        (0.4, 0.3, 0.2, 0.368 * 0.4 + 0.632 * 0.2),  # apparent above none: plain .632 with the capped error
    ],
)
def test_632_plus_is_its_rule(apparent: float, left_out: float, none: float, expected: float) -> None:
    assert plus_632(apparent=apparent, left_out=left_out, none=none) == pytest.approx(expected)


@given(apparent=st.floats(0, 1), left_out=st.floats(0, 1), none=st.floats(0, 1))
def test_632_plus_is_the_papers_other_form(apparent: float, left_out: float, none: float) -> None:
    """Equation 32: err.632 + (err1' - err) .368 .632 R / (1 - .368 R)."""
    capped = min(left_out, none)
    overfit = (capped - apparent) / (none - apparent) if capped > apparent and none > apparent else 0.0
    plain = 0.368 * apparent + 0.632 * capped
    expected = plain + (capped - apparent) * 0.368 * 0.632 * overfit / (1 - 0.368 * overfit)
    assert plus_632(apparent=apparent, left_out=left_out, none=none) == pytest.approx(expected, abs=1e-12)


def test_no_information_is_the_error_over_all_pairs_of_rows() -> None:
    chance = np.random.default_rng(1)
    true, predicted = chance.integers(0, 3, 50), chance.integers(0, 3, 50)
    over_pairs = np.mean([t != p for t in true for p in predicted])
    assert no_information(np.bincount(true, minlength=3), np.bincount(predicted, minlength=3)) == pytest.approx(over_pairs)
    with pytest.raises(NotMeasurable):
        no_information(np.zeros(3, int), np.zeros(3, int))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, 6), always=st.booleans())
def test_an_interval_of_refits_holds_its_value_whatever_was_drawn(seed: int, count: int, always: bool) -> None:
    chance = np.random.default_rng(seed)
    found = OutOfBag(12)
    for bag, wrong in refits(chance, 12, count):
        if (bag == 0).any():
            found.add(bag, np.full_like(wrong, always))
    if found.refits < 2:
        return
    told = found.accuracy(apparent=float(always), true=np.array([6, 6]), predicted=np.array([12, 0]))
    assert 0 <= told.low <= told.value <= told.high <= 1
    assert told.high - told.low > 0.1  # twelve rows never tell more


def test_the_632_plus_interval_covers_what_the_model_does_on_new_rows() -> None:
    chance = np.random.default_rng(11)
    far = sample(chance, 20_000)
    covered, rounds = 0, 250
    estimates, truths = [], []
    for _ in range(rounds):
        x, y = sample(chance, 50)
        model = Nearest(x, y)
        found = OutOfBag(50)
        for _refit in range(40):
            bag = np.bincount(chance.integers(0, 50, 50), minlength=50)
            rows, out = np.repeat(np.arange(50), bag), bag == 0
            found.add(bag, Nearest(x[rows], y[rows])(x[out]) != y[out])
        answered = model(x)
        told = found.accuracy(
            apparent=float((answered != y).mean()),
            true=np.bincount(y, minlength=2),
            predicted=np.bincount(answered, minlength=2),
        )
        truth = float((model(far[0]) == far[1]).mean())
        covered += told.low <= truth <= told.high
        estimates.append(told.value)
        truths.append(truth)
    assert 0.93 <= covered / rounds <= 1.0
    assert abs(np.mean(estimates) - np.mean(truths)) < 0.01  # neither the apparent error's hope nor the bag's gloom


def test_a_refit_whose_rows_do_not_fit_is_refused() -> None:
    found = OutOfBag(4)
    with pytest.raises(NotMeasurable, match="Each row left out"):
        found.add(np.array([2, 2, 0, 0]), np.array([True]))
    with pytest.raises(NotMeasurable, match="At least two refits"):
        _ = found.error


def test_the_spread_of_refits_is_where_they_lie() -> None:
    values = np.linspace(0.8, 0.9, 41)
    found = over_refits([Fold(float(one), 10) for one in values], least=0, greatest=1)
    assert found.n == 10  # the refits share their rows: they are not 410
    assert found.value == pytest.approx(0.85)
    assert (found.low, found.high) == (pytest.approx(values[1]), pytest.approx(values[-2]))
    with pytest.raises(NotMeasurable):
        over_refits([Fold(0.5, 10)])
