"""Filters and orders mean in SQL what they mean: random runs, random trees, and the oracle in plain Python beside them."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.tracking.searching import oracle
from tracking.models import Experiment, MetricSeries, RunData, TrainingRun
from tracking.searching.compiling import condition
from tracking.searching.finding import Search
from tracking.searching.language import parse_filter, parse_order
from tracking.searching.language.tree import Metric, Term
from tracking.searching.listing import fields_in
from tracking.searching.sorting import sorted_by

NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture
def runs(team, scientist, make_person) -> list[TrainingRun]:
    """Fifty runs with everything that can be reported, and much of it missing."""
    dice = random.Random(11)  # noqa: S311 - dice of a test
    people = [scientist, make_person("", email="nobody@example.org")]
    experiments = [Experiment.objects.create(team=team, name=name, created_by=scientist) for name in ("Default", "digits")]
    made: list[TrainingRun] = []
    for place in range(50):
        started = dice.choice([None, *oracle.MOMENTS])
        ended = dice.choice([None, started and started + timedelta(seconds=dice.choice([0, 60, 90.5, 90.500001]))])
        code = dice.choice([{}, {"commit": dice.choice(["abc", "ABC", ""]), "branch": "main", "dirty": dice.random() < 0.5}])
        run = TrainingRun(
            team=team,
            experiment=dice.choice(experiments),
            parent=dice.choice([None, *made]),
            name=dice.choice(["digits", *[one for one in oracle.TEXTS if one]]),
            state=dice.choice(oracle.STATES),
            origin=dice.choice(TrainingRun.Origin.values),
            params={name: dice.choice(oracle.REPORTED) for name in oracle.PARAMS[:-1] if dice.random() < 0.8},
            tags={name: dice.choice(oracle.TEXTS) for name in oracle.TAGS[:-1] if dice.random() < 0.8},
            code=code,
            started_at=started,
            ended_at=ended,
            created_by=dice.choice(people),
        )
        run.save()
        made.append(run)
        series = []
        for name in oracle.METRICS[:-1]:
            if dice.random() < 0.8:
                lowest = dice.choice([None, -1.0, 0.1, 0.9])
                last = dice.choice([NAN, INFINITY, -INFINITY, -1.0, 0.1, 0.9, 1e300, 0.0])
                highest = None if lowest is None else lowest + 1
                series.append(
                    MetricSeries(run=run, name=name, count=2, last_value=last, lowest_value=lowest, highest_value=highest)
                )
        MetricSeries.objects.bulk_create(series)
        for context in ("train", "test")[: place % 3]:
            RunData.objects.create(run=run, context=context, name=dice.choice(["digits", "abc"]), digest=dice.choice(["", "abc"]))
    return list(TrainingRun.objects.select_related("experiment", "created_by").prefetch_related("series", "data"))


@pytest.mark.parametrize("seed", range(6))
def test_random_filters_find_what_they_mean(runs, seed):
    dice, found_some, left_some = random.Random(seed), 0, 0  # noqa: S311 - dice of a test
    for _ in range(120):
        tree = oracle.random_tree(dice, runs)
        text = oracle.written(tree)
        assert parse_filter(text) == tree, text
        found = set(TrainingRun.objects.filter(condition(tree)).values_list("pk", flat=True))
        assert found == {run.pk for run in runs if oracle.fulfils(run, tree)}, text
        found_some += bool(found)
        left_some += len(found) < len(runs)
    assert found_some > 60  # most of them separate runs from runs, so that agreeing means something
    assert left_some > 60


@pytest.mark.parametrize("seed", range(6))
def test_random_orders_page_through_every_run_once(runs, seed):
    dice = random.Random(seed)  # noqa: S311 - dice of a test
    for _ in range(20):
        order = oracle.random_order(dice)
        text = ", ".join(f"{oracle.name_of(term.field)} {'desc' if term.descending else 'asc'}" for term in order)
        assert parse_order(text) == order, text
        keyset, ordered, _joined = sorted_by(order, TrainingRun.objects.all())
        wanted = [run.pk for run in oracle.ordered(runs, order)]
        size, pages = dice.randint(5, 30), []
        rows, more = keyset.page(ordered, size=size)
        pages.append(rows)
        while more:
            rows, more = keyset.page(ordered, mark=keyset.mark(rows[-1]), size=size)
            pages.append(rows)
        assert [run.pk for page in pages for run in page] == wanted, text
        for earlier in pages[-2::-1]:
            rows, _more = keyset.page(ordered, mark=keyset.mark(rows[0]), backwards=True, size=size)
            assert [run.pk for run in rows] == [run.pk for run in earlier], text


@pytest.mark.parametrize("seed", range(6))
def test_a_metric_that_is_both_asked_and_sorted_by_means_the_same(runs, seed):
    dice, tried = random.Random(seed), 0  # noqa: S311 - dice of a test
    for _ in range(300):
        tree = oracle.random_tree(dice, runs)
        asked = [field for field in fields_in(tree) if isinstance(field, Metric)]
        if not asked:
            continue
        order = (Term(dice.choice(asked), dice.random() < 0.5),)
        found, keyset = Search(tree, order).among(TrainingRun.objects.all())
        wanted = [run.pk for run in oracle.ordered([run for run in runs if oracle.fulfils(run, tree)], order)]
        rows, more = keyset.page(found, size=7)
        pages = [*rows]
        while more:
            rows, more = keyset.page(found, mark=keyset.mark(rows[-1]), size=7)
            pages += rows
        assert [run.pk for run in pages] == wanted, oracle.written(tree)
        tried += bool(wanted)
    assert tried > 20


def test_a_metric_that_is_both_asked_and_sorted_by_is_joined_once(runs):
    asked = Search(parse_filter("metrics.accuracy > 0.5 and params.lr = '0.1'"), parse_order("metrics.accuracy desc"))
    found, keyset = asked.among(TrainingRun.objects.all())
    with CaptureQueriesContext(connection) as queries:
        keyset.page(found, size=5)
    (query,) = queries
    assert query["sql"].count('"tracking_metricseries"') == 1
    assert "NULLS LAST" not in query["sql"]  # it would keep PostgreSQL from walking the metric's index
