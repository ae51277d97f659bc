"""Leases: one worker at a time, another after a silence, an end after three attempts, and one recorded result."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import WrongState
from ledger.actors import WORKER
from ledger.acts import act
from ledger.leases import CANCEL, COMPLETE, Lease, claim, sweep
from tests.ledger.things import Job, JobCompleted, ThingNoted

Story = Callable[[], list[str]]


def complete(lease: Lease) -> None:
    with lease.settle() as this:
        this.move(lease.job, COMPLETE, JobCompleted(attempt=lease.attempt), lease_until=None, finished_at=this.at)


def claimed(job: Job, **options: Any) -> Lease:
    lease = claim(job, **options)
    assert lease is not None
    return lease


def test_a_claimed_job_runs_under_a_lease_and_is_completed_once(db: None, story: Story, frozen_clock: Any) -> None:
    job = Job.objects.create()
    lease = claimed(job, seconds=60)
    assert (job.state, job.attempt, lease.attempt) == ("running", 1, 1)
    assert job.lease_until == frozen_clock.now + timedelta(seconds=60)
    assert job.started_at == frozen_clock.now
    complete(lease)
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.finished_at) == ("completed", None, frozen_clock.now)
    assert story() == ["job.started", "job.completed"]


def test_a_job_that_another_worker_has_or_that_is_done_is_not_claimed(db: None, story: Story) -> None:
    job = Job.objects.create()
    lease = claimed(job)
    assert claim(Job.objects.get()) is None
    complete(lease)
    assert claim(Job.objects.get()) is None
    assert story() == ["job.started", "job.completed"]


def test_of_two_workers_that_claim_at_once_one_gets_the_job(
    committed: None, story: Story, together: Callable[..., list[Any]]
) -> None:
    job = Job.objects.create()
    ready = threading.Barrier(4, timeout=20)

    def work() -> bool:
        mine = Job.objects.get(pk=job.pk)
        ready.wait()
        return claim(mine) is not None

    assert sorted(together(work, work, work, work)) == [False, False, False, True]
    assert story() == ["job.started"]


def test_a_job_that_was_taken_and_given_back_meanwhile_is_not_claimed_under_an_old_number(
    db: None, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job.objects.create()
    read = Job.refresh_from_db

    def read_and_be_overtaken(self: Job, **options: Any) -> None:
        read(self, **options)
        Job.objects.update(attempt=1)  # another worker had it and lost it

    monkeypatch.setattr(Job, "refresh_from_db", read_and_be_overtaken)
    assert claim(job) is None
    assert story() == []


def test_a_renewed_lease_is_not_swept(db: None, story: Story, frozen_clock: Any) -> None:
    lease = claimed(Job.objects.create(), seconds=60)
    frozen_clock.advance(seconds=50)
    assert lease.renew()
    frozen_clock.advance(seconds=50)
    assert not lease.expired
    assert sweep(Job) == 0
    assert story() == ["job.started"]


def test_an_expired_lease_goes_back_to_the_queue_and_only_the_new_attempt_records(
    db: None, story: Story, frozen_clock: Any
) -> None:
    job = Job.objects.create()
    silent = claimed(job, seconds=60)
    frozen_clock.advance(seconds=61)
    assert silent.expired
    assert sweep(Job) == 1
    job.refresh_from_db()
    assert (job.state, job.attempt, job.lease_until) == ("queued", 1, None)
    second = claimed(Job.objects.get())
    assert second.attempt == 2
    assert not silent.renew()
    with pytest.raises(WrongState, match="Another attempt"), silent.settle() as this:
        this.record(ThingNoted())
    complete(second)
    assert story() == ["job.started", "job.lease_expired", "job.started", "job.completed"]


def test_a_job_that_lost_three_workers_is_errored(db: None, story: Story, frozen_clock: Any) -> None:
    job = Job.objects.create()
    for _ in range(3):
        claimed(job, seconds=60)
        frozen_clock.advance(seconds=61)
        assert sweep(Job) == 1
        job.refresh_from_db()
    assert (job.state, job.attempt, job.finished_at) == ("errored", 3, frozen_clock.now)
    assert "3 attempts" in job.error
    assert sweep(Job) == 0
    assert claim(job) is None
    assert story() == ["job.started", "job.lease_expired"] * 2 + ["job.started", "job.given_up"]


def test_a_worker_that_was_late_but_not_replaced_may_still_record(db: None, story: Story, frozen_clock: Any) -> None:
    lease = claimed(Job.objects.create(), seconds=60)
    frozen_clock.advance(seconds=61)
    complete(lease)
    assert sweep(Job) == 0
    assert story() == ["job.started", "job.completed"]


def test_a_cancelled_job_records_no_result(db: None, story: Story) -> None:
    job = Job.objects.create()
    lease = claimed(job)
    theirs = Job.objects.get()
    with act(WORKER) as this:
        this.move(theirs, CANCEL, ThingNoted(), lease_until=None)
    with pytest.raises(WrongState):
        complete(lease)
    assert lease.expired
    assert story() == ["job.started", "thing.noted"]


def test_a_result_that_fails_to_be_recorded_leaves_the_job_running(db: None, story: Story) -> None:
    lease = claimed(Job.objects.create())
    with pytest.raises(ZeroDivisionError), lease.settle():
        raise ZeroDivisionError
    assert Job.objects.get().state == "running"
    complete(lease)
    assert story() == ["job.started", "job.completed"]


def test_a_lease_is_kept_by_a_thread_while_slow_work_goes_on(committed: None) -> None:
    job = Job.objects.create()
    lease = claimed(job, seconds=0.3)
    renewed = Job.objects.filter(lease_until__gt=job.lease_until)
    with lease.kept():
        for _ in range(200):
            if renewed.exists():
                break
            threading.Event().wait(0.05)
    assert renewed.exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("lease-")]


def test_no_renewal_is_under_way_once_the_block_is_over(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = claimed(Job.objects.create(), seconds=0.03)
    begun, ended = threading.Event(), threading.Event()

    def slow() -> bool:
        begun.set()
        threading.Event().wait(0.3)
        ended.set()
        return False

    monkeypatch.setattr(lease, "renew", slow)
    with lease.kept():
        assert begun.wait(20)
    assert ended.is_set()


def test_a_lease_that_was_lost_stops_being_kept(committed: None) -> None:
    lease = claimed(Job.objects.create(), seconds=0.3)
    Job.objects.update(attempt=2)
    with lease.kept():
        for _ in range(200):
            if lease.expired:
                break
            threading.Event().wait(0.05)
    assert lease.expired


def test_the_sweeper_and_a_renewal_at_once_do_not_take_a_job_from_its_worker(
    db: None, story: Story, frozen_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = claimed(Job.objects.create(), seconds=60)
    frozen_clock.advance(seconds=61)
    stale = list(Job.objects.all())
    lease.renew()
    rows = type("Rows", (), {"filter": lambda self, **_: self, "order_by": lambda self, _: stale})()
    monkeypatch.setattr("ledger.leases._rows", lambda model: rows)
    assert sweep(Job) == 0
    assert Job.objects.get().state == "running"
    assert story() == ["job.started"]


def test_the_database_knows_the_states_and_that_running_needs_a_lease(db: None) -> None:
    for broken in ({"state": "paused"}, {"state": "running", "lease_until": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Job.objects.create(**broken)
    Job.objects.create(state="running", lease_until=timezone.now())
