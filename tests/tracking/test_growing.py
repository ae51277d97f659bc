"""Open runs: started, logged to while they run, ended, taken up again; fixed when a version stands on them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import numpy as np
import pytest
from django.db import connection

from core.clock import frozen
from core.errors import InvalidInput, NotAllowed, WrongState
from ledger.acts import act
from ledger.models import Event
from tests.tracking.conftest import CODE
from tracking import services
from tracking.models import MetricChunk, RunData, TrainingRun
from tracking.services.growing import LARGE, SMALL


@pytest.fixture
def run(team, scientist):
    return services.start_run(team, by=scientist, name="digits cnn")


def curve(run, name="loss"):
    points = run.series.get(name=name).points()
    return points.steps.tolist(), points.values.tolist()


def test_a_run_starts_is_logged_to_and_ends(story, run, scientist):
    assert (run.state, run.experiment.name, run.fixed_at) == ("running", "Default", None)
    services.log(run, by=scientist, params={"lr": "0.1"}, tags={"team": "vision"}, code=CODE, training={"seeds": {"torch": 1}})
    services.log(run, by=scientist, series=[{"name": "loss", "unit": "nats", "steps": [0, 1], "values": [2.0, 1.0]}])
    services.log(run, by=scientist, params={"epochs": 3}, series=[{"name": "loss", "steps": [2], "values": [0.5], "times": [7]}])
    services.end_run(run, by=scientist, state="finished", training={"early_stopping": {"patience": 3}})
    run = TrainingRun.objects.get(pk=run.pk)
    assert (run.state, run.params, run.tags) == ("finished", {"lr": "0.1", "epochs": 3}, {"team": "vision"})
    assert run.training == {"seeds": {"torch": 1}, "early_stopping": {"patience": 3}}
    assert curve(run) == ([0, 1, 2], [2.0, 1.0, 0.5])
    assert story() == ["experiment.made", "training_run.started", "training_run.ended"]


def test_the_figures_of_a_curve_follow_its_points(run, scientist):
    for steps, values in (([5, 3], [1.0, 9.0]), ([5], [4.0]), ([4], ["NaN"]), ([6, 7], ["Infinity", -2.0])):
        services.log(run, by=scientist, series=[{"name": "loss", "steps": steps, "values": values}])
        one = run.series.get()
        points = one.points()
        finite = points.values[np.isfinite(points.values)]
        assert (one.count, one.not_finite) == (len(points), len(points) - len(finite))
        assert (one.lowest_value, one.highest_value) == (finite.min(), finite.max())
        last = max(range(len(points)), key=lambda place: (points.steps[place], points.times[place], place))
        assert (one.last_step, one.last_value) == (points.steps[last], points.values[last])
    assert (one.lowest_step, one.highest_step) == (7, 3)


def test_a_curve_without_a_finite_value_has_no_lowest(run, scientist):
    services.log(run, by=scientist, series=[{"name": "loss", "steps": [1], "values": ["NaN"]}])
    one = run.series.get()
    assert (one.lowest_value, one.highest_value, one.not_finite) == (None, None, 1)
    assert one.last_value != one.last_value


def test_points_are_kept_in_few_chunks_whatever_their_number(run, scientist):
    for step in range(5):
        services.log(run, by=scientist, series=[{"name": "loss", "steps": [step], "values": [step]}])
    assert [chunk.count for chunk in MetricChunk.objects.all()] == [5]
    many = list(range(5, 5 + SMALL))
    services.log(run, by=scientist, series=[{"name": "loss", "steps": many, "values": many}])
    assert [chunk.count for chunk in MetricChunk.objects.order_by("place")] == [5, SMALL]
    large = np.arange(LARGE + 1, dtype="<i8")
    packed = {"steps": large, "values": large.astype("<f8"), "times": large}
    packed = {name: base64.b64encode(part.tobytes()).decode() for name, part in packed.items()}
    services.log(run, by=scientist, series=[{"name": "large", "packed": packed}])
    chunks = MetricChunk.objects.filter(series__name="large").order_by("place")
    assert [chunk.count for chunk in chunks] == [LARGE, 1]
    assert run.series.get(name="large").points().steps.tolist() == large.tolist()


def test_what_is_logged_costs_a_constant_number_of_queries(run, scientist, django_assert_max_num_queries):
    def send(names, step):
        series = [{"name": f"m{place}", "steps": [step], "values": [1]} for place in names]
        with django_assert_max_num_queries(12):
            services.log(run, by=scientist, series=series, params={f"p{step}": 1})

    send([0], 0)
    send(range(100), 1)  # one grows, the others are new
    send(range(100), 2)


def test_a_batch_counts_once(run, scientist):
    def send(number, value, writer="w"):
        batch = {"writer": writer, "number": number}
        services.log(run, by=scientist, batch=batch, series=[{"name": "loss", "steps": [number], "values": [value]}])

    for number, value in ((0, 1.0), (1, 2.0), (1, 2.0), (0, 1.0), (2, 3.0)):
        send(number, value)
    send(1, 9.0, writer="another")
    assert curve(run) == ([0, 1, 2, 1], [1.0, 2.0, 3.0, 9.0])


def test_a_parameter_keeps_its_value(run, scientist):
    services.log(run, by=scientist, params={"lr": "0.1"})
    services.log(run, by=scientist, params={"lr": "0.1"})
    with pytest.raises(WrongState, match="“lr” is already"):
        services.log(run, by=scientist, params={"lr": "0.2", "epochs": 1})
    assert TrainingRun.objects.get(pk=run.pk).params == {"lr": "0.1"}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"params": {str(place): "x" for place in range(100_000)}}, "at most 262144 are kept"),
        ({"tags": {"note": "x" * 10_000_000}}, "at most 65536 characters; keep a longer one as an artifact"),
        ({"tags": {"": "x"}}, "needs a name"),
        ({"tags": {"a": 3}}, "must be a text"),
        ({"tags": {"a\x00": "x"}}, "cannot be stored"),
        ({"series": [{"name": "a", "steps": [1], "values": ["nan"]}]}, "is no number; NaN, Infinity"),
        ({"series": [{"name": "a", "steps": [1], "values": [10**400]}]}, "is no number"),
        ({"series": [{"name": "a", "steps": [True], "values": [1]}]}, "must be whole numbers"),
        ({"series": [{"name": "a", "steps": [2**60], "values": [1]}]}, "must be whole numbers"),
        ({"series": [{"name": "a", "steps": [1], "values": [1], "times": []}]}, "as many times as steps"),
        ({"series": [{"name": "a", "steps": [], "values": []}]}, "has no point"),
        ({"series": [{"name": "a", "packed": {"steps": "", "values": ""}}]}, "needs steps, values and times"),
        ({"series": [{"name": "a", "packed": {"steps": "AAAA", "values": "AAAA", "times": "AAAA"}}]}, "8-byte numbers"),
        ({"series": [{"name": "a", "packed": 3}]}, "needs steps, values and times"),
        ({"series": [{"name": str(n), "steps": [1], "values": [1]} for n in range(2001)]}, "at most 2000"),
        ({"code": {"commit": "x"}}, "its full name"),
        ({"code": {**CODE, "untracked": -1}}, "untracked files must be a whole number"),
        ({"environment": {"locks": [{"name": "uv.lock"}]}}, "Each lock file"),
        ({"environment": {"hardware": []}}, "hardware must be an object"),
        ({"training": {"mood": {}}}, "mood is not known here"),
        ({"training": {"summary": {}}}, "summary of the model must be a text"),
        ({"training": {"seeds": 3}}, "seeds must be an object"),
        ({"data": [{"digest": "x"}]}, "needs a name"),
        ({"data": [{"name": "x" * 501}]}, "at most 500 characters"),
        ({"data": [{"name": 3}]}, "must be a text"),
        ({"batch": {"writer": "w"}}, "A batch is written as"),
        ({"batch": {"writer": "w" * 41, "number": 1}}, "A batch is written as"),
    ],
)
def test_what_cannot_be_kept_is_refused_whole(run, scientist, said, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        services.log(run, by=scientist, **{"params": {"other": 1}, **said})
    run = TrainingRun.objects.get(pk=run.pk)
    assert (run.params, run.series.count(), run.heard) == ({}, 0, {})


def test_packed_steps_beyond_every_number_are_refused(run, scientist):
    worst = base64.b64encode(np.array([-(2**63)], "<i8").tobytes()).decode()
    with pytest.raises(InvalidInput, match="too large a number"):
        services.log(run, by=scientist, series=[{"name": "a", "packed": {"steps": worst, "values": worst, "times": worst}}])


def test_data_are_linked_to_the_registered_version_of_the_same_digest(run, scientist, registered):
    services.log(run, by=scientist, data=[{"name": "digits", "digest": registered.digest, "context": "training"}])
    services.log(run, by=scientist, data=[{"name": "digits", "digest": registered.digest, "context": "training"}])
    services.log(run, by=scientist, data=[{"name": "other", "digest": "sha256:" + "0" * 64}, {"name": "short", "digest": "1a2b"}])
    assert [one.dataset_version for one in RunData.objects.order_by("name")] == [registered, None, None]


def test_others_do_not_log(run, validator, auditor, officer):
    services.log(run, by=validator, params={"a": 1})
    for person in (auditor, officer):
        for deed in (
            lambda person=person: services.log(run, by=person, params={"b": 1}),
            lambda person=person: services.end_run(run, by=person, state="failed"),
            lambda person=person: services.keep_artifact(run, by=person, path="a", chunks=[b"a"]),
            lambda person=person: services.hide_run(run, by=person),
        ):
            with pytest.raises(NotAllowed, match="Only a data scientist or a validator"):
                deed()


def test_a_fixed_run_takes_nothing_any_more_and_its_digest_names_everything(run, scientist, story):
    services.log(run, by=scientist, params={"lr": 1}, series=[{"name": "loss", "steps": [1], "values": [2]}])
    services.keep_artifact(run, by=scientist, path="model/weights.bin", chunks=[b"weights"])
    with act(scientist) as this:
        services.fix_run(run, within=this)
    with act(scientist) as this:
        services.fix_run(run, within=this)
    assert story()[-1:] == ["training_run.fixed"] and story().count("training_run.fixed") == 1
    for deed in (
        lambda: services.log(run, by=scientist, params={"b": 1}),
        lambda: services.log(run, by=scientist),
        lambda: services.end_run(run, by=scientist, state="finished"),
        lambda: services.rename_run(run, by=scientist, name="other"),
        lambda: services.remove_tag(run, by=scientist, name="other"),
        lambda: services.keep_artifact(run, by=scientist, path="b", chunks=[b"b"]),
        lambda: services.hide_run(run, by=scientist),
        lambda: services.reopen_run(run, by=scientist),
    ):
        with pytest.raises(WrongState, match="is fixed"):
            deed()


def test_each_thing_that_is_logged_changes_the_digest(team, scientist):
    from tracking.services.fixing import facts_digest  # noqa: PLC0415 - the one thing of it that is looked at

    digests = set()
    for said in (
        {},
        {"params": {"a": 1}},
        {"tags": {"a": "1"}},
        {"series": [{"name": "a", "steps": [1], "values": [1]}]},
        {"series": [{"name": "a", "steps": [1], "values": [2]}]},
        {"series": [{"name": "a", "steps": [1], "values": [1], "times": [1]}]},
        {"data": [{"name": "a"}]},
        {"code": CODE},
        {"training": {"seeds": {}}},
        {"environment": {"python": "3"}},
    ):
        run = services.start_run(team, by=scientist, name="x", started_at=datetime(2026, 1, 1, tzinfo=UTC))
        digests.add(facts_digest(services.log(run, by=scientist, **said)))
    services.keep_artifact(run, by=scientist, path="a", chunks=[b"a"])
    digests.add(facts_digest(run))
    assert len(digests) == 11


def test_the_same_source_is_the_same_run(team, scientist):
    first = services.start_run(team, by=scientist, origin="import", source="mlflow:1", params={"a": 1})
    again = services.start_run(team, by=scientist, origin="import", source="mlflow:1", params={"a": 2})
    assert again.pk == first.pk and again.params == {"a": 1}
    assert (
        services.start_run(team, by=scientist, origin="import").pk != services.start_run(team, by=scientist, origin="import").pk
    )


def test_a_run_that_is_not_heard_of_is_silent_and_never_finished(run, scientist):
    assert not run.is_silent
    with frozen(run.heard_at + timedelta(minutes=6)):
        assert run.is_silent and run.state == "running"
        services.log(run, by=scientist)
        assert not TrainingRun.objects.get(pk=run.pk).is_silent
    services.end_run(run, by=scientist, state="killed")
    with frozen(run.heard_at + timedelta(days=1)):
        assert not TrainingRun.objects.get(pk=run.pk).is_silent


def test_a_run_ends_as_it_is_said_and_may_be_taken_up_again(run, scientist, story):
    with pytest.raises(InvalidInput, match="ends as finished, failed or killed"):
        services.end_run(run, by=scientist, state="running")
    with pytest.raises(InvalidInput, match="ends before it starts"):
        services.end_run(run, by=scientist, state="finished", ended_at=datetime(2001, 1, 1, tzinfo=UTC))
    services.end_run(run, by=scientist, state="failed")
    services.end_run(run, by=scientist, state="failed")
    assert services.reopen_run(run, by=scientist).ended_at is None
    services.end_run(run, by=scientist, state="finished")
    assert story() == ["training_run.ended", "training_run.reopened", "training_run.ended"]
    assert [event.data["outcome"] for event in Event.objects.about(run).filter(type="training_run.ended").in_order()] == [
        "failed",
        "finished",
    ]


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "a\x00b", "a\nb", "x" * 501])
def test_an_artifact_has_a_path_below_the_run(run, scientist, path):
    with pytest.raises(InvalidInput):
        services.keep_artifact(run, by=scientist, path=path, chunks=[b"a"])


def test_a_path_is_a_file_or_a_folder(run, scientist):
    services.keep_artifact(run, by=scientist, path="model/data/weights", chunks=[b"a"])
    for path in ("model", "model/data", "model/data/weights/more"):
        with pytest.raises(InvalidInput, match="a file and a folder at once"):
            services.keep_artifact(run, by=scientist, path=path, chunks=[b"a"])
    services.keep_artifact(run, by=scientist, path="model/data/weights", chunks=[b"newer"])
    assert run.artifacts.get().size == 5


def test_hidden_runs_and_experiments_come_back(run, scientist, story):
    services.hide_run(run, by=scientist)
    assert not TrainingRun.objects.shown().exists()
    with pytest.raises(WrongState, match="is hidden"):
        services.log(run, by=scientist, params={"a": 1})
    services.show_run(run, by=scientist)
    services.hide_experiment(run.experiment, by=scientist)
    with pytest.raises(WrongState, match="“Default” is hidden"):
        services.start_run(run.team, by=scientist)
    services.show_experiment(run.experiment, by=scientist)
    assert services.start_run(run.team, by=scientist).experiment == run.experiment
    told = [event for event in story() if event != "attempt.refused"]
    assert told == ["training_run.hidden", "training_run.shown", "experiment.hidden", "experiment.shown", "training_run.started"]


def test_an_experiment_has_its_name_alone(team, scientist):
    made = services.make_experiment(team, by=scientist, name="digits", tags={"a": "b"})
    other = services.make_experiment(team, by=scientist, name="letters")
    with pytest.raises(WrongState, match="already has an experiment “digits”"):
        services.make_experiment(team, by=scientist, name="digits")
    with pytest.raises(WrongState, match="already has an experiment “digits”"):
        services.rename_experiment(other, by=scientist, name="digits")
    assert services.tag_experiment(made, by=scientist, tags={"c": "d"}).tags == {"a": "b", "c": "d"}
    for name in ("", "x" * 251, "a\x00", "a\nb"):
        with pytest.raises(InvalidInput):
            services.make_experiment(team, by=scientist, name=name)


@pytest.mark.django_db(transaction=True)
def test_two_who_log_at_once_lose_nothing(team, scientist):
    run = services.start_run(team, by=scientist, name="raced")
    together = Barrier(4)

    def send(writer):
        together.wait()
        try:
            for number in range(10):
                series = [{"name": "loss", "steps": [number], "values": [writer]}]
                services.log(run, by=scientist, series=series, params={f"{writer}-{number}": 1})
        finally:
            connection.close()

    threads = [Thread(target=send, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run = TrainingRun.objects.get(pk=run.pk)
    assert (len(run.params), run.series.get().count, len(run.series.get().points())) == (40, 40, 40)


@pytest.mark.django_db(transaction=True)
def test_a_name_that_two_use_first_at_once_is_one_experiment(team, scientist):
    together, made = Barrier(4), []

    def start():
        together.wait()
        try:
            made.append(services.start_run(team, by=scientist, experiment="raced", origin="import", source="one").pk)
        finally:
            connection.close()

    threads = [Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and len(set(made)) == 1
