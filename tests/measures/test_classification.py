"""Every metric of the confusion table equals scikit-learn, on random and on degenerate tables; intervals stay honest."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import beta
from sklearn import metrics as oracle

from measures import classification, confusion
from measures.cells import cells_bootstrap, replicate_margins, resample
from measures.confusion import margins_of, table_of
from measures.estimate import NotMeasurable

CASES = {
    "random": (lambda rng: (rng.integers(0, 5, 400), rng.integers(0, 5, 400)), 5),
    "good": (lambda rng: (t := rng.integers(0, 10, 450), np.where(rng.random(450) < 0.96, t, rng.integers(0, 10, 450))), 10),
    "one class absent": (lambda rng: (rng.choice([0, 1, 3], 200), rng.choice([0, 1, 3], 200)), 4),
    "absent from the truth only": (lambda rng: (rng.choice([0, 1], 200), rng.choice([0, 1, 2], 200)), 3),
    "never predicted": (lambda rng: (rng.choice([0, 1, 2], 200), rng.choice([0, 1], 200)), 3),
    "all right": (lambda rng: (t := rng.integers(0, 3, 60), t.copy()), 3),
    "all wrong": (lambda rng: (t := rng.integers(0, 3, 60), (t + 1) % 3), 3),
    "one row right": (lambda rng: (np.array([2]), np.array([2])), 4),
    "one row wrong": (lambda rng: (np.array([2]), np.array([0])), 4),
    "one class only": (lambda rng: (np.full(30, 1), np.full(30, 1)), 2),
    "everything called one class": (lambda rng: (rng.integers(0, 3, 90), np.zeros(90, dtype=int)), 3),
    "a single class declared": (lambda rng: (np.zeros(5, dtype=int), np.zeros(5, dtype=int)), 1),
}


@pytest.fixture(params=CASES)
def case(request):
    make, classes = CASES[request.param]
    truth, predicted = make(np.random.default_rng(7))
    return truth, predicted, classes


def test_the_overall_metrics_equal_the_oracle(case):
    truth, predicted, classes = case
    ours = classification.overall(table_of(truth, predicted, classes), replicates=50)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of exactly the degenerate cases that are asked here
        expected = {
            "accuracy": oracle.accuracy_score(truth, predicted),
            "balanced_accuracy": oracle.balanced_accuracy_score(truth, predicted),
            "macro_f1": oracle.f1_score(truth, predicted, average="macro", zero_division=0),
            "weighted_f1": oracle.f1_score(truth, predicted, average="weighted", zero_division=0),
            "mcc": oracle.matthews_corrcoef(truth, predicted),
            "kappa": oracle.cohen_kappa_score(truth, predicted),
        }
    for name, value in expected.items():
        if np.isnan(value):
            assert not ours[name].known and (ours[name].low, ours[name].high) == (-1.0, 1.0)
        else:
            assert ours[name].value == pytest.approx(value, abs=1e-12), name
            assert ours[name].low <= ours[name].value <= ours[name].high


def test_the_metrics_of_each_class_equal_the_oracle(case):
    truth, predicted, classes = case
    ours = classification.per_class(table_of(truth, predicted, classes))
    expected = oracle.precision_recall_fscore_support(truth, predicted, labels=range(classes), zero_division=0)
    for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
        assert [e.value for e in ours[name]] == pytest.approx(list(values), abs=1e-12)
        assert all(0 <= e.low <= e.value <= e.high <= 1 for e in ours[name])
    assert [e.n for e in ours["recall"]] == list(expected[3])
    assert [e.n for e in ours["precision"]] == list(np.bincount(predicted, minlength=classes))


def test_a_class_without_rows_is_unknown_not_perfect():
    ours = classification.per_class(np.array([[5, 0, 0], [0, 5, 0], [0, 0, 0]]))
    for name in ("precision", "recall", "f1"):
        assert (ours[name][2].n, ours[name][2].low, ours[name][2].high) == (0, 0.0, 1.0)


def test_the_interval_of_f1_is_that_of_its_jaccard_share_carried_over():
    e = classification.f1(40, 46, 44)  # 50 rows are of the class or taken for it; 40 are both
    low, high = beta.ppf([0.025, 0.975], 40.5, 10.5)
    assert (e.n, e.value) == (50, pytest.approx(80 / 90))
    assert (e.low, e.high) == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))


def test_the_interval_of_f1_covers_the_true_value_and_is_no_wider_than_needed():
    """Of 400 rows a tenth is of the class; recall 0.9, and 1 % of the others are taken for it."""
    rng = np.random.default_rng(13)
    true = 2 * 0.09 / (0.1 + 0.09 + 0.009)
    covered, plain = 0, 0
    for _ in range(2000):
        right, missed, taken, _rest = rng.multinomial(400, [0.09, 0.01, 0.009, 0.891])
        e = classification.f1(right, right + missed, right + taken)
        covered += e.low <= true <= e.high
        plain += e.low <= true
    assert 0.935 <= covered / 2000 <= 0.98 and plain / 2000 >= 0.96


def test_the_table_equals_the_oracle():
    rng = np.random.default_rng(3)
    truth, predicted = rng.integers(0, 6, 300), rng.integers(0, 6, 300)
    assert (table_of(truth, predicted, 6) == oracle.confusion_matrix(truth, predicted)).all()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (np.zeros((3, 3), dtype=int), "no row"),
        (np.zeros((2, 3), dtype=int), "square"),
        (np.zeros((0, 0), dtype=int), "square"),
        (np.array([[1, -1], [0, 1]]), "counts"),
        (np.eye(2), "counts"),
    ],
)
def test_what_is_no_table_of_rows_is_refused(table, why):
    for measure in (classification.overall, classification.per_class):
        with pytest.raises(NotMeasurable, match=why):
            measure(table)


def test_classes_outside_the_declared_ones_are_refused():
    with pytest.raises(NotMeasurable, match="target lies outside the 3"):
        table_of(np.array([0, 3]), np.array([0, 1]), 3)
    with pytest.raises(NotMeasurable, match="prediction lies outside"):
        table_of(np.array([0, 1]), np.array([0, -1]), 3)
    with pytest.raises(NotMeasurable, match="each row needs both"):
        table_of(np.array([0, 1]), np.array([0]), 3)


@settings(max_examples=60, deadline=None)
@given(arrays(np.int64, st.tuples(*[st.shared(st.integers(2, 5), key="k")] * 2), elements=st.integers(0, 30)))
def test_any_table_has_metrics_within_their_bounds_and_their_interval(table):
    if table.sum() == 0:
        return
    for name, e in classification.overall(table, replicates=40).items():
        least = -1.0 if name in ("mcc", "kappa") else 0.0
        assert least <= e.low <= e.value <= e.high <= 1.0
    for estimates in classification.per_class(table).values():
        assert all(0.0 <= e.low <= e.value <= e.high <= 1.0 for e in estimates)


@settings(max_examples=40, deadline=None)
@given(arrays(np.int64, (3, 3), elements=st.integers(1, 30)), st.integers(0, 2))
def test_one_right_row_more_never_lowers_accuracy_or_the_class_itself(table, c):
    more = table.copy()
    more[c, c] += 1
    before, after = classification.per_class(table), classification.per_class(more)
    assert classification.accuracy(more).low >= classification.accuracy(table).low
    for name in before:
        assert after[name][c].value >= before[name][c].value and after[name][c].low >= before[name][c].low


def test_many_tables_at_once_give_what_each_gives_alone():
    tables = np.random.default_rng(5).integers(0, 9, (20, 4, 4))
    for metric, _, _ in classification.OVERALL.values():
        together = metric(margins_of(tables))
        assert together == pytest.approx([float(metric(margins_of(t))) for t in tables])


def test_replicates_are_distributed_like_resampled_rows():
    """Cells against the plain bootstrap of rows, both with scikit-learn's macro-F1 or ours: same mean and spread."""
    rng = np.random.default_rng(11)
    truth = rng.integers(0, 4, 300)
    predicted = np.where(rng.random(300) < 0.8, truth, rng.integers(0, 4, 300))
    drawn = confusion.macro_f1(replicate_margins(table_of(truth, predicted, 4), 4000, 1))
    rows = np.array([oracle.f1_score(truth[i], predicted[i], average="macro") for i in rng.integers(0, 300, (400, 300))])
    assert drawn.mean() == pytest.approx(rows.mean(), abs=0.006)
    assert drawn.std() == pytest.approx(rows.std(), rel=0.15)


def test_resampling_keeps_the_number_of_rows_and_the_mean_of_each_cell():
    counts = np.array([400, 30, 0, 70])
    drawn = resample(counts, 3000, np.random.default_rng(0))
    assert (drawn.sum(axis=1) == 500).all() and (drawn[:, 2] == 0).all()
    assert drawn.mean(axis=0) == pytest.approx(counts, abs=1.5)


def test_the_same_seed_gives_the_same_interval():
    table = np.array([[50, 3], [4, 60]])
    assert classification.overall(table) == classification.overall(table)
    assert classification.overall(table, seed=1) != classification.overall(table, seed=2)


def _population(k, rare):
    share = np.full(k, (1 - rare) / (k - 1))
    share[-1] = rare
    right = np.linspace(0.95, 0.8, k)
    cells = np.array([[right[i] if i == j else (1 - right[i]) / (k - 1) for j in range(k)] for i in range(k)])
    return cells * share[:, None]


@pytest.mark.parametrize(("n", "rare", "least"), [(100, 0.03, 0.92), (300, 0.1, 0.93), (1500, 0.2, 0.93)])
def test_intervals_cover_the_true_value(n, rare, least):
    p = _population(5, rare)
    rng = np.random.default_rng(2)
    true = {name: float(f(margins_of(p))) for name, (f, _, _) in classification.OVERALL.items()}
    covered = dict.fromkeys(true, 0)
    for _ in range(250):
        table = rng.multinomial(n, p.ravel()).reshape(5, 5)
        for name, e in cells_bootstrap(table, classification.OVERALL, replicates=300).items():
            covered[name] += e.low <= true[name] <= e.high
    assert {name: hits / 250 for name, hits in covered.items() if hits / 250 < least} == {}


def test_with_plenty_of_errors_the_bootstrap_decides():
    table = (_population(5, 0.2) * 20000).astype(int)
    drawn = confusion.macro_f1(replicate_margins(table, 4000, 1))
    e = classification.overall(table)["macro_f1"]
    assert (e.high - e.low) == pytest.approx(np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025), rel=0.06)


def test_a_table_without_errors_is_not_certain():
    """Resampling alone would give the interval 1 to 1, and one right row would pass any threshold."""
    few, many = (classification.overall(np.diag([n] * 10)) for n in (1, 45))
    for name in ("balanced_accuracy", "macro_f1", "mcc", "kappa", "accuracy"):
        assert few[name].value == many[name].value == 1.0
        assert few[name].low < many[name].low < 1.0
    assert few["balanced_accuracy"].low < 0.85
    single = classification.overall(np.array([[1, 0], [0, 0]]))
    assert single["macro_f1"].low < 0.5 and single["accuracy"].low < 0.2


def test_a_rare_class_without_errors_widens_balanced_accuracy():
    rare, common = (classification.overall(np.diag([500, n]))["balanced_accuracy"].low for n in (3, 500))
    assert rare < 0.85 < common  # three right rows bound the recall of their class at about 0.44


def test_balanced_accuracy_without_errors_follows_variance_recovery():
    counts = np.array([20, 30, 50])
    lows = beta.ppf(0.025, counts + 0.5, 0.5)
    assert classification.overall(np.diag(counts))["balanced_accuracy"].low == pytest.approx(
        1 - np.sqrt(((1 - lows) ** 2).sum()) / 3
    )


def test_top_k_equals_the_oracle_and_top_1_equals_accuracy():
    rng = np.random.default_rng(9)
    scores, targets = rng.dirichlet(np.ones(6), 300), rng.integers(0, 6, 300)
    for k in (1, 2, 5):
        expected = oracle.top_k_accuracy_score(targets, scores, k=k, labels=range(6), normalize=False)
        assert classification.top_k_hits(scores, targets, k) == expected
    assert classification.top_k_hits(scores, targets, 6) == 300
    tied = np.round(scores, 1)
    assert classification.top_k_hits(tied, targets, 1) == (tied.argmax(axis=1) == targets).sum()
    with pytest.raises(NotMeasurable, match="choose 1 to 6"):
        classification.top_k_hits(scores, targets, 7)


def test_a_thousand_classes_stay_affordable():
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 1000, 20_000)
    predicted = np.where(rng.random(20_000) < 0.7, truth, rng.integers(0, 1000, 20_000))
    e = classification.overall(table_of(truth, predicted, 1000), replicates=200)["macro_f1"]
    assert e.low < oracle.f1_score(truth, predicted, average="macro") < e.high
