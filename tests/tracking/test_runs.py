"""Training runs: recorded once as reported, refused with a sentence where they cannot be, and never changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import IntegrityError

from core.errors import InvalidInput, NotAllowed
from ledger.models import Event
from tests.tracking.conftest import CODE
from tracking.models import MetricSeries, TrainingRun
from tracking.permissions import can_record


def test_a_run_is_recorded_with_its_curves_code_and_environment(make_run, story):
    run = TrainingRun.objects.get(pk=make_run().pk)
    assert (run.name, run.params["optimizer"]["betas"], run.code["dirty"]) == ("digits cnn", [0.9, 0.999], True)
    assert run.environment["packages"] == [{"name": "numpy", "version": "2.4.6"}, {"name": "torch", "version": "2.13.0"}]
    points = {one.name: one.points() for one in run.series.all()}
    assert [
        (one.name, one.unit, *(part.tolist() for part in (points[one.name].steps, points[one.name].values)))
        for one in run.series.all()
    ] == [
        ("accuracy", "fraction", [1, 2], [0.5, 1.0]),
        ("train/loss", "", [0, 1, 2], [2.3, 1.1, 0.4]),
    ]
    assert story() == ["experiment.made", "training_run.recorded"]


def test_the_event_names_everything_reported_by_digest(make_run):
    first, same, other = make_run(), make_run(), make_run(params={"lr": 0.002})
    digests = [Event.objects.about(run).get().data["facts_digest"] for run in (first, same, other)]
    assert digests[0] == digests[1] != digests[2]
    assert Event.objects.about(first).get().data["commit"] == CODE["commit"]


def test_a_run_may_be_reported_with_nothing_but_its_name(make_run):
    run = make_run(params={}, code={}, environment={}, series=[], started_at=None, ended_at=None)
    assert (run.code, run.environment, run.series.count()) == ({}, {}, 0)


NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("series", "sentence"),
    [
        ({"steps": [0, 1], "values": [1.0, NAN]}, "no finite number at step 1"),
        ({"steps": [0], "values": [INFINITE]}, "no finite number at step 0"),
        ({"steps": [0], "values": [10**400]}, "no finite number at step 0"),
        ({"steps": [0], "values": ["1"]}, "no finite number at step 0"),
        ({"steps": [0], "values": [True]}, "no finite number at step 0"),
        ({"steps": [0], "values": [None]}, "no finite number at step 0"),
        ({"steps": [1, 1], "values": [1, 2]}, "ascend; after 1 comes 1"),
        ({"steps": [2, 1], "values": [1, 2]}, "ascend; after 2 comes 1"),
        ({"steps": [-1], "values": [1]}, "ascend; after nothing comes -1"),
        ({"steps": [0.5], "values": [1]}, "whole numbers"),
        ({"steps": [2**60], "values": [1]}, "whole numbers"),
        ({"steps": [0, 1], "values": [1]}, "as many steps as values"),
        ({"steps": [], "values": []}, "as many steps as values"),
        ({"steps": "01", "values": [1, 2]}, "as many steps as values"),
        ({"steps": list(range(100_001)), "values": [0] * 100_001}, "from 1 to 100000"),
        ({"values": [1]}, "as many steps as values"),
        ({"steps": [0], "values": [1], "name": ""}, "needs a name"),
        ({"steps": [0], "values": [1], "name": 3}, "needs a name"),
        ({"steps": [0], "values": [1], "unit": "x" * 41}, "needs a name"),
        ({"steps": [0], "values": [1], "name": "nul\x00"}, "cannot be stored"),
        ({"steps": [0], "values": [1], "colour": "red"}, "colour is not known here"),
    ],
)
def test_curves_ascend_in_finite_numbers(make_run, series, sentence, story):
    with pytest.raises(InvalidInput, match=sentence):
        make_run(series=[{"name": "loss"} | series])
    assert not TrainingRun.objects.exists()
    assert story() == []


def test_curves_have_different_names_and_are_not_without_number(make_run):
    curve = {"name": "loss", "steps": [0], "values": [1]}
    with pytest.raises(InvalidInput, match="“loss” is given twice"):
        make_run(series=[curve, curve])
    with pytest.raises(InvalidInput, match="at most 200"):
        make_run(series=[curve | {"name": str(place)} for place in range(201)])
    with pytest.raises(InvalidInput, match="must be a list"):
        make_run(series=curve)
    with pytest.raises(InvalidInput, match="must be an object"):
        make_run(series=["loss"])


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ({"commit": "0123456"}, "its full name"),
        ({"commit": CODE["commit"].upper()}, "its full name"),
        ({"commit": None}, "must be texts"),
        ({"tree": "main"}, "tree must be its full name"),
        ({"dirty": "no"}, "dirty is true or false"),
        ({"dirty": "no"}, "dirty is true or false"),
        ({"patch_digest": "abc"}, "patch_digest must be sha256"),
        ({"dirty": False}, "has no patch"),
        ({"repository": "https://kim:secret@example.org/r.git"}, "holds a password or token"),
        ({"repository": "https://ghp_abcdef@github.com/r.git"}, "holds a password or token"),
        ({"repository": "x" * 501}, "at most 500"),
        ({"branch": "a\x00"}, "cannot be stored"),
        ({"author": "Kim"}, "author is not known here"),
    ],
)
def test_code_is_named_exactly(make_run, code, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        make_run(code=CODE | code)


@pytest.mark.parametrize("repository", ["git@example.org:vision/digits.git", "/home/vision/digits", "https://example.org/a:b@c"])
def test_addresses_without_credentials_are_kept(make_run, repository):
    assert make_run(code=CODE | {"repository": repository}).code["repository"] == repository


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"python": 3}, "must be texts"),
        ({"packages": "torch"}, "must be a list"),
        ({"packages": [3]}, "Each package is written"),
        ({"packages": [{"name": "torch", "hash": "x"}]}, "Each package is written"),
        ({"packages": [{"name": ""}]}, "Each package is written"),
        ({"lock_digest": "abc"}, "lock_digest must be sha256"),
        ({"variables": {"TOKEN": "x"}}, "variables is not known here"),
        ({"packages": ["x" * 100] * 4_000}, "at most 262144 are kept"),
    ],
)
def test_the_environment_is_a_list_of_packages(make_run, environment, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        make_run(environment=environment)


@pytest.mark.parametrize("params", [{"lr": NAN}, {"seed": 2**60}, {"x": "y" * 300_000}, ["lr"], {"text": "nul\x00"}])
def test_parameters_can_be_written_canonically(make_run, params):
    with pytest.raises(InvalidInput):
        make_run(params=params)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "nul\x00"])
def test_a_run_needs_a_name_that_can_be_kept(make_run, name):
    with pytest.raises(InvalidInput):
        make_run(name=name)


def test_a_run_does_not_end_before_it_starts(make_run):
    with pytest.raises(InvalidInput, match="ends before it starts"):
        make_run(ended_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC))


@pytest.mark.parametrize("part", ["officer", "dpo", "risk_manager", "auditor", "admin", "stranger"])
def test_others_record_no_runs_and_the_attempt_is_told(make_run, team, story, request, part):
    person = request.getfixturevalue(part)
    assert not can_record(person, team)
    with pytest.raises(NotAllowed, match="Only a data scientist or a validator"):
        make_run(by=person)
    assert story() == ["attempt.refused"]


def test_validators_train_challengers(make_run, validator):
    assert make_run(by=validator).created_by == validator


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tracking_trainingrun SET params = '{}'",
        "DELETE FROM tracking_trainingrun",
        "UPDATE tracking_metricseries SET last_value = 1",
        "DELETE FROM tracking_metricseries",
        "UPDATE tracking_metricchunk SET values = steps",
        "DELETE FROM tracking_metricchunk",
        "INSERT INTO tracking_metricchunk (series_id, run_id, place, count, steps, values, times) "
        "SELECT id, run_id, 9, 0, '', '', '' FROM tracking_metricseries",
        "INSERT INTO tracking_artifact (id, run_id, path, digest, size, kept_at) "
        "SELECT gen_random_uuid(), id, 'a', '', 0, now() FROM tracking_trainingrun",
    ],
)
def test_the_database_itself_refuses_to_change_a_run(make_run, statement):
    make_run()
    refused = pytest.raises((InternalError, IntegrityError), match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert MetricSeries.objects.count() == 2


def test_runs_are_seen_by_the_team_and_by_those_with_a_role_everywhere(make_run, scientist, auditor, admin, stranger):
    make_run()
    assert [TrainingRun.objects.visible_to(person).count() for person in (scientist, auditor, admin, stranger)] == [1, 1, 0, 0]
