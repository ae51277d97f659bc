"""Rankings: judged as the oracle judges them, query by query."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from measures.estimate import NotMeasurable
from measures.ranking import ranked
from measures.shares import mean_share


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_rankings_are_judged_as_the_oracle_judges_them(seed, ties):
    rng = np.random.default_rng(seed)
    queries = rng.permutation(np.repeat(np.arange(30), rng.integers(2, 25, 30)))
    relevance = rng.integers(0, 4, queries.size) * (rng.random(queries.size) < 0.5)
    scores = rng.normal(size=queries.size) + 0.5 * relevance
    scores = np.round(scores) if ties else scores
    found = ranked(scores, relevance.astype(float), queries, cuts=(1, 5))
    ndcg = {k: [] for k in (1, 5, 0)}
    reciprocal, precision, without = [], [], 0
    for q in range(30):
        s, r = scores[queries == q], relevance[queries == q]
        if not r.any():
            without += 1
            continue
        for k, values in ndcg.items():
            values.append(oracle.ndcg_score(r[None], s[None], k=k or None))
        precision.append(oracle.average_precision_score(r > 0, s))
        reciprocal.append(1 / min((s >= own).sum() for own in s[r > 0]))
    for k, values in ndcg.items():
        assert found.ndcg[k] == pytest.approx(values), k
    assert found.average_precision == pytest.approx(precision) and found.reciprocal_rank == pytest.approx(reciprocal)
    assert found.without == without
    measured = found.measured()
    assert measured["ndcg@5"].value == pytest.approx(np.mean(ndcg[5])) and measured["map"].n == 30 - without
    assert set(measured) == {"ndcg@1", "ndcg@5", "ndcg", "mrr", "map"}


def test_rankings_at_their_edges():
    nothing = ranked(np.ones(3), np.zeros(3), np.zeros(3, dtype=int))
    assert nothing.without == 1 and nothing.measured()["mrr"].n == 0
    one = ranked(np.ones(1), np.ones(1), np.zeros(1, dtype=int)).measured()
    assert one["ndcg@10"].value == 1.0 and one["ndcg@10"].low < 0.3
    assert ranked(np.zeros(0), np.zeros(0), np.zeros(0, dtype=int)).without == 0
    with pytest.raises(NotMeasurable):
        ranked(np.ones(2), np.ones(3), np.ones(2, dtype=int))
    with pytest.raises(NotMeasurable):
        ranked(np.ones(2), np.ones(2), np.ones(2, dtype=int), cuts=(0,))


def test_the_interval_of_a_mean_over_queries_covers_what_it_says():
    rng = np.random.default_rng(10)
    hits = sum(e.low <= 0.9 <= e.high for e in (mean_share(rng.beta(9, 1, 80)) for _ in range(500)))
    assert 0.925 <= hits / 500 <= 0.98
