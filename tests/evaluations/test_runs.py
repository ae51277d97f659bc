"""Runs: asked for, measured once by whoever holds the lease, judged by thresholds fixed before."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from evaluations import jobs
from evaluations.models import EvaluationRun
from evaluations.services import verdict_of
from evaluations.suites import suite_of
from governance import services
from ledger import leases
from ledger.models import Event
from tests.plugins_versions import measured

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(make_draft: Any, inspect: Any, scientist: Any) -> Any:
    """A run that stands in the queue."""
    version = make_draft()
    services.submit(version, by=scientist)
    inspect(version)
    return EvaluationRun.objects.get(version=version)


def test_a_completed_run_has_its_numbers_and_is_recorded_once(waiting: Any, measure: Any) -> None:
    (run,) = measure(waiting.version)
    assert run.state == "completed" and run.attempt == 1
    assert verdict_of(run).outcome == "passed"
    event = Event.objects.get(type="evaluation.completed")
    assert event.data["results_digest"] == run.results_digest
    assert (event.data["outcome"], event.data["level"], event.data["rows"]) == ("passed", "L3", 600)


def test_a_message_that_is_delivered_twice_measures_once(waiting: Any, measure: Any, inspect: Any) -> None:
    measure(waiting.version)
    run = EvaluationRun.objects.get(pk=waiting.pk)
    jobs.measure(run)  # the lease is gone: nothing is claimed, nothing is run
    assert Event.objects.filter(type="evaluation.completed").count() == 1
    assert run.metrics.count() == 5


def test_an_attempt_that_lost_its_lease_records_nothing(waiting: Any, measure: Any, monkeypatch: Any, frozen_clock: Any) -> None:
    lease = leases.claim(waiting, seconds=10)
    frozen_clock.advance(seconds=11)
    assert leases.sweep(EvaluationRun) == 1
    measure(waiting.version)  # another worker does it
    from core.errors import WrongState  # noqa: PLC0415 - only here

    with pytest.raises(WrongState, match="took this job over"), lease.settle():
        pass
    assert Event.objects.filter(type="evaluation.completed").count() == 1
    assert EvaluationRun.objects.get(pk=waiting.pk).attempt == 2


@pytest.mark.parametrize("ended", ["wall_limit", "memory_limit", "crashed"])
def test_a_run_beyond_its_limits_ends_as_errored_with_the_limit_named(waiting: Any, measure: Any, ended: str) -> None:
    (run,) = measure(waiting.version, result={}, ended=ended, sentence=f"It met its {ended}.")
    assert (run.state, run.error) == ("errored", f"It met its {ended}.")
    assert Event.objects.get(type="evaluation.errored").data["ended"] == ended
    assert verdict_of(run).outcome != "passed"


def test_a_check_that_was_not_run_is_kept_with_its_reason(waiting: Any, measure: Any) -> None:
    gap = {"check": "fairness", "reason": "The check 'fairness' is not known to this version."}
    (run,) = measure(waiting.version, result={**measured(), "not_run": [gap]})
    assert run.facts["not_run"] == [gap]


def test_the_thresholds_are_those_of_the_moment_of_asking(waiting: Any) -> None:
    assert waiting.thresholds == waiting.version.reviews.get().policy.document.evaluations.suites["multiclass"]["thresholds"]
    queued = Event.objects.get(type="evaluation.queued")
    assert queued.data["policy"] == waiting.version.reviews.get().policy.digest


def test_the_verdict_rests_on_the_bound_not_on_the_point(waiting: Any, measure: Any) -> None:
    (run,) = measure(waiting.version, result=measured(accuracy=(0.99, 0.94, 1.0), n=45))
    assert verdict_of(run).outcome == "inconclusive"


def test_the_database_refuses_to_change_a_number(waiting: Any, measure: Any) -> None:
    measure(waiting.version)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE evaluations_metric SET value = 1")


def test_a_suite_with_other_checks_is_another_number() -> None:
    first = suite_of("mine", [{"name": "performance"}])
    assert suite_of("mine", [{"name": "performance"}]) == first
    assert suite_of("mine", [{"name": "performance"}, {"name": "resources"}]).number == first.number + 1


def test_a_run_on_damaged_data_is_not_measured(waiting: Any, measure: Any, data_dir: Any) -> None:
    name = waiting.dataset_digest.removeprefix("sha256:")
    file = data_dir / "blobs" / "sha256" / name[:2] / name
    file.chmod(0o600)
    file.write_bytes(b"other rows")
    (run,) = measure(waiting.version)
    assert run.state == "errored" and "digest" in run.error
