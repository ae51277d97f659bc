"""Tables of grouped rows and of labels: the values of plain ones, with wider intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from measures import classification, confusion
from measures.estimate import NotMeasurable
from measures.grouped import GroupedMargins


def test_grouped_rows_have_the_values_of_plain_ones_and_wider_intervals():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(80), 15)
    skill = rng.beta(6, 2, 80)[groups]
    truth = rng.integers(0, 4, groups.size)
    predicted = np.where(rng.random(groups.size) < skill, truth, rng.integers(0, 4, groups.size))
    table = confusion.table_of(truth, predicted, 4)
    held = GroupedMargins(4)
    held.add(truth[:700], predicted[:700], groups=groups[:700])
    held.add(truth[700:], predicted[700:], groups=groups[700:])
    plain, grouped = classification.overall(table), held.overall(table)
    assert set(plain) == set(grouped)
    for name, e in grouped.items():
        assert e.value == pytest.approx(plain[name].value)
        assert e.high - e.low > 1.3 * (plain[name].high - plain[name].low), name
    for name, estimates in held.per_class().items():
        for one, other in zip(estimates, classification.per_class(table)[name], strict=True):
            assert one.value == pytest.approx(other.value)


def test_labels_are_counted_as_the_oracle_counts_them():
    rng = np.random.default_rng(3)
    truth = (rng.random((300, 3)) < [0.5, 0.1, 0.0]).astype(int)
    predicted = np.where(rng.random((300, 3)) < 0.8, truth, 1 - truth)
    predicted[:, 2] = 0
    held = GroupedMargins(3)
    held.add_labels(truth[:100], predicted[:100])
    held.add_labels(truth[100:], predicted[100:], first_row=100)
    found = held.per_class(units=300)
    for name, score in (("precision", oracle.precision_score), ("recall", oracle.recall_score), ("f1", oracle.f1_score)):
        expected = score(truth, predicted, average=None, zero_division=0)
        assert [e.value for e in found[name][:2]] == pytest.approx(list(expected[:2])), name
        assert found[name][2].n == 0
    with pytest.raises(NotMeasurable):
        held.add_labels(truth[:, :2], predicted[:, :2])
