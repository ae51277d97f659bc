"""Evaluations in the hands of real workers: killed, told twice, beyond their limits; and the request id on its way."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from config.services.processes import descendants
from evaluations import jobs
from evaluations.models import EvaluationRun, Metric
from evaluations.services import cancel_run
from ledger.models import Event
from models_registry.models import Version
from tests.worker.workers import Worker, alive, until

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]
RESUMED_WITHIN = 60  # seconds


def state_of(run: Any) -> str:
    return str(EvaluationRun.objects.values_list("state", flat=True).get(pk=run.pk))


def told_of(run: Any) -> list[str]:
    return list(Event.objects.about(run).in_order().values_list("type", flat=True))


def test_a_killed_worker_is_replaced_and_the_result_recorded_once(
    make_queued_run: Callable[..., Any], start_worker: Callable[..., Worker]
) -> None:
    """SIGKILL to the worker and everything below it while it measures: another worker has the result within a minute."""
    run = make_queued_run()
    first = start_worker("first", COUNTERSIGN_LEASE_SECONDS="6")
    until(lambda: state_of(run) == "running", "the first attempt", worker=first)
    killed = first.kill()
    assert len(killed) > 3, "the worker, its pool, the clock"
    until(lambda: not any(map(alive, killed)), "the end of what was killed", seconds=10)
    assert state_of(run) == "running", "it was killed in the middle"
    second = start_worker("second", COUNTERSIGN_LEASE_SECONDS="6")
    until(lambda: EvaluationRun.objects.get(pk=run.pk).attempt == 2, "the second attempt", seconds=RESUMED_WITHIN, worker=second)
    until(lambda: state_of(run) == "completed", "the result", worker=second)
    asked, began, lost = "evaluation.queued", "evaluation.started", "evaluation.lease_expired"
    assert told_of(run) == [asked, began, lost, began, "evaluation.completed"]
    run.refresh_from_db()
    assert (run.attempt, run.sandbox["level"] >= "L1") == (2, True)
    accuracy = Metric.objects.get(run=run, check_name="performance", name="accuracy")
    assert (accuracy.n, accuracy.low < accuracy.value < accuracy.high) == (600, True)


def test_told_twice_or_beyond_a_limit_each_run_is_recorded_once(
    make_queued_run: Callable[..., Any], start_worker: Callable[..., Worker]
) -> None:
    """One message delivered twice, a run beyond its time and one beyond its memory, in one worker."""
    twice, slow, large = make_queued_run(), make_queued_run(wall=1), make_queued_run(memory=64 << 20)
    for _ in range(2):
        jobs.send(twice)  # on top of the message that the submission sent
    worker = start_worker("worker")
    for run in (twice, slow, large):
        until(lambda run=run: state_of(run) not in {"queued", "running"}, "the end of a run", worker=worker)  # type: ignore[misc] # bound now
        assert told_of(run).count("evaluation.started") == 1
    delivered = lambda: [line for line in worker.lines() if line.get("about") == [str(twice.pk)]]  # noqa: E731 - a small question
    until(lambda: len(delivered()) >= 3, "the further deliveries", worker=worker)
    assert all(line["ended"] == "SUCCESS" for line in delivered())
    assert told_of(twice) == ["evaluation.queued", "evaluation.started", "evaluation.completed"]
    assert Metric.objects.filter(run=twice, check_name="performance", name="accuracy").count() == 1
    for run, ended, named in (
        (slow, "wall_limit", "time limit of 1 seconds"),
        (large, "memory_limit", "memory limit of 64 MiB"),
    ):
        run.refresh_from_db()
        assert (run.state, named in run.error) == ("errored", True), run.error
        assert told_of(run)[-1] == "evaluation.errored"
        assert f'"ended":"{ended}"' in bytes(Event.objects.about(run).get(type="evaluation.errored").body).decode()
        assert not Metric.objects.filter(run=run).exists()


def test_the_request_that_caused_it_is_named_in_the_workers_log_and_in_the_events(
    make_digits_draft: Callable[[], Any], start_worker: Callable[..., Worker], api_of: Callable[..., Any], scientist: Any
) -> None:
    """Web, message, worker, event: one request id; and the real inspection leads to the real evaluation."""
    version = make_digits_draft()
    answer = api_of(scientist).post(
        reverse("api-submission", args=[version.pk]), {"environment": "production"}, headers={"X-Request-ID": "from-the-web-0001"}
    )
    assert (answer.status_code, answer["X-Request-ID"]) == (201, "from-the-web-0001")
    worker = start_worker("worker")
    until(lambda: EvaluationRun.objects.filter(version=version, state="completed").exists(), "the result", worker=worker)
    found = Version.objects.with_parts().get(pk=version.pk)
    assert (found.inspection.verdict, found.inspection.format) == ("accepted", "safetensors")
    caused = ["version.submitted", "inspection.started", "inspection.completed", "evaluation.started", "evaluation.completed"]
    for event_type in caused:
        event = Event.objects.filter(type=event_type).last()
        assert (event_type, event.request_id) == (event_type, "from-the-web-0001")
    spoken = [line["task"] for line in worker.lines() if line.get("request_id") == "from-the-web-0001"]
    assert spoken == ["models_registry.inspect", "evaluations.measure"], worker.said()
    assert all({"at", "level", "logger", "message"} <= set(line) for line in worker.lines())


def test_a_run_that_is_called_off_is_killed_with_everything_it_started(
    make_queued_run: Callable[..., Any], start_worker: Callable[..., Worker], scientist: Any
) -> None:
    """A person calls a running measurement off: the sandboxed child is killed, and the worker goes on to the next."""
    run = make_queued_run()
    worker = start_worker("worker")
    child = until(lambda: sandboxed(worker), "the child in the sandbox", worker=worker)
    for pid in child:
        os.kill(pid, signal.SIGSTOP)  # so that it cannot end by itself
    until(lambda: state_of(run) == "running", "the start of the run", worker=worker)
    cancel_run(EvaluationRun.objects.get(pk=run.pk), by=scientist)
    until(lambda: not any(map(alive, child)), "the end of the child", worker=worker)
    assert told_of(run)[-1] == "evaluation.cancelled" and not Metric.objects.filter(run=run).exists()
    following = make_queued_run()
    until(lambda: state_of(following) == "completed", "the next run", worker=worker)
    assert state_of(run) == "cancelled" and told_of(run).count("evaluation.started") == 1


def sandboxed(worker: Worker) -> set[int]:
    """The processes that the worker's sandbox runs: the children that were started from the bootstrap's four lines."""
    return {pid for pid in descendants(worker.process.pid) if b"sandbox.child" in _command_of(pid)}


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
