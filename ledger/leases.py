"""Jobs of workers that survive the worker: a running job carries a lease and an attempt number.

The row is the truth and a message only the doorbell. A worker that dies stops renewing; `sweep` gives the job to another
one, and after three attempts ends it. Only the current attempt may record a result.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, make_dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import Error as DatabaseError
from django.db import connection, models
from django.db.models import CheckConstraint, Q
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import WrongState
from ledger.actors import CLOCK, WORKER, Actor
from ledger.acts import Act, Transition, act
from ledger.events import Event, event

log = logging.getLogger(__name__)
ATTEMPTS = 3  # a job that ended three workers will end the fourth too


class LeasedJob(models.Model):
    """Work that one worker at a time does. Subclasses add what the work is and their own steps out of `running`."""

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("queued")
        RUNNING = "running", gettext_lazy("running")
        COMPLETED = "completed", gettext_lazy("completed")
        ERRORED = "errored", gettext_lazy("errored")
        CANCELLED = "cancelled", gettext_lazy("cancelled")

    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)
    queued_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            CheckConstraint(
                condition=Q(state__in=["queued", "running", "completed", "errored", "cancelled"]),
                name="%(app_label)s_%(class)s_state_is_known",
            ),
            CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="%(app_label)s_%(class)s_running_has_a_lease",
            ),
        ]


S = LeasedJob.State
START = Transition(frozenset({S.QUEUED}), S.RUNNING)
REQUEUE = Transition(frozenset({S.RUNNING}), S.QUEUED)
COMPLETE = Transition(frozenset({S.RUNNING}), S.COMPLETED)
FAIL = Transition(frozenset({S.RUNNING}), S.ERRORED)
CANCEL = Transition(frozenset({S.QUEUED, S.RUNNING}), S.CANCELLED)


@dataclass(frozen=True, slots=True)
class JobEvents:
    """The three events that every kind of job has, under its own label."""

    started: Any
    lease_expired: Any
    given_up: Any


_events: dict[str, JobEvents] = {}


def events_of(model: type[LeasedJob]) -> JobEvents:
    """`<label>.started`, `<label>.lease_expired` and `<label>.given_up`, registered once for each kind of job."""
    label = str(getattr(model, "ledger_label", None) or model._meta.model_name)  # noqa: SLF001 - Django's documented Meta API
    if label not in _events:
        name = model._meta.verbose_name  # noqa: SLF001 - as above

        def declare(past: str, about: str, says: str | Promise, look: tuple[str, str]) -> Any:
            shape = make_dataclass(
                f"{model.__name__}{past.title().replace('_', '')}",
                [("attempt", int)],
                bases=(Event,),
                namespace={"__doc__": about, "__module__": model.__module__, "says": says, "look": look},
                frozen=True,
                kw_only=True,
            )
            return event(f"{label}.{past}", version=1)(shape)

        _events[label] = JobEvents(
            started=declare(
                "started",
                f"A worker took the {name} and began this attempt.",
                gettext_lazy("A worker began attempt %(attempt)s"),
                ("play", "idle"),
            ),
            lease_expired=declare(
                "lease_expired",
                f"The worker of the {name} fell silent; it waits for another one.",
                gettext_lazy("The worker fell silent in attempt %(attempt)s; another one takes over"),
                ("hourglass", "warn"),
            ),
            given_up=declare(
                "given_up",
                f"The {name} ended in error because every attempt lost its worker.",
                gettext_lazy("Given up after attempt %(attempt)s: every attempt lost its worker"),
                ("power-off", "warn"),
            ),
        )
    return _events[label]


def declare_job_events() -> None:
    """The events of every installed kind of job are registered."""
    for model in apps.get_models():
        if issubclass(model, LeasedJob):
            events_of(model)


def _rows(model: type[LeasedJob]) -> models.Manager:
    """Every row, whatever the model's `objects` hides."""
    return model._base_manager  # type: ignore[attr-defined] # noqa: SLF001 - Django's documented attribute


class Lease:
    """The right to do one attempt of a job, for as long as it is renewed."""

    def __init__(self, job: LeasedJob, *, by: Actor, seconds: float) -> None:
        self.job = job
        self.attempt = job.attempt
        self.by = by
        self.seconds = seconds
        self.until: datetime = job.lease_until or clock.now()
        self._lost = False

    @property
    def expired(self) -> bool:
        """True once the time is over or another attempt has the job: stop working, nothing will be recorded."""
        return self._lost or clock.now() >= self.until

    def _mine(self) -> models.QuerySet:
        return _rows(type(self.job)).filter(pk=self.job.pk, state=S.RUNNING, attempt=self.attempt)

    def renew(self) -> bool:
        """The lease runs `seconds` from now, if it is still ours. A heartbeat, no fact: it stands outside the acts."""
        until = clock.now() + timedelta(seconds=self.seconds)
        if self._mine().update(lease_until=until) != 1:
            self._lost = True
            return False
        self.until = until
        return True

    @contextmanager
    def kept(self) -> Iterator[Lease]:
        """Renew from a thread while slow work goes on in the block, outside any act."""
        done = threading.Event()

        def keep() -> None:
            try:
                while not done.wait(self.seconds / 3):
                    try:
                        if not self.renew():
                            return
                    except DatabaseError as error:  # the next beat may get through; `expired` tells the worker if none does
                        log.warning("A lease could not be renewed: %s", type(error).__name__)
                        connection.close()
            finally:
                connection.close()  # the thread's own connection

        thread = threading.Thread(target=keep, name=f"lease-{self.job.pk}", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join()

    @contextmanager
    def settle(self) -> Iterator[Act]:
        """An act in which this attempt records its result; raises `WrongState` when the job is no longer ours."""
        with act(self.by) as this:
            if self._mine().select_for_update().first() is None:
                self._lost = True
                raise WrongState(_("Another attempt took this job over, so nothing of this one is recorded."), code="lease_lost")
            self.job.refresh_from_db(fields=["state", "attempt", "lease_until"])
            yield this


def claim(job: LeasedJob, *, by: Actor = WORKER, seconds: float = 60) -> Lease | None:
    """A lease over the next attempt, or None when another worker has the job or nothing is left to do."""
    try:
        with act(by) as this:
            job.refresh_from_db(fields=["state", "attempt", "lease_until"])
            if job.state != S.QUEUED:
                return None
            attempt = job.attempt + 1
            this.move(
                job,
                START,
                events_of(type(job)).started(attempt=attempt),
                where={"attempt": job.attempt},
                attempt=attempt,
                lease_until=this.at + timedelta(seconds=seconds),
                started_at=this.at,
            )
    except WrongState:
        return None
    return Lease(job, by=by, seconds=seconds)


def waiting(model: type[LeasedJob], *, seconds: float = 10) -> models.QuerySet:
    """Jobs that have stood in the queue for so long that their message may be lost: ring for them again."""
    return _rows(model).filter(state=S.QUEUED, queued_at__lt=clock.now() - timedelta(seconds=seconds)).order_by("queued_at")


def next_in_line(model: type[LeasedJob], *, asker: str) -> Any:
    """The waiting job whose turn it is, or None: of the asker (the field `asker`) with the fewest running jobs, among equals of
    the one who was served longest ago, and of one asker the oldest. Whoever asks for fifty waits behind who asks for one."""
    rows = _rows(model)
    of_asker = rows.filter(**{asker: models.OuterRef(asker)}).order_by()
    running = of_asker.filter(state=S.RUNNING).values(asker).annotate(count=models.Count("pk")).values("count")
    served = of_asker.filter(started_at__isnull=False).values(asker).annotate(last=models.Max("started_at")).values("last")
    return (
        rows.filter(state=S.QUEUED)
        .annotate(busy=Coalesce(models.Subquery(running), 0), served=models.Subquery(served))
        .order_by("busy", models.F("served").asc(nulls_first=True), "queued_at", "pk")
        .first()
    )


def sweep(model: type[LeasedJob]) -> int:
    """Jobs whose lease ran out wait again, or are errored after three attempts; returns how many there were."""
    swept = 0
    told = events_of(model)
    for job in _rows(model).filter(state=S.RUNNING, lease_until__lt=clock.now()).order_by("lease_until"):
        seen = {"attempt": job.attempt, "lease_until": job.lease_until}  # a renewal meanwhile wins
        try:
            with act(CLOCK) as this:
                if job.attempt >= ATTEMPTS:
                    this.move(
                        job,
                        FAIL,
                        told.given_up(attempt=job.attempt),
                        where=seen,
                        lease_until=None,
                        finished_at=this.at,
                        error=gettext_lazy("Given up after %(attempts)d attempts: each time the worker stopped without a result.")
                        % {"attempts": job.attempt},
                    )
                else:
                    this.move(job, REQUEUE, told.lease_expired(attempt=job.attempt), where=seen, lease_until=None)
        except WrongState:
            continue
        swept += 1
    return swept
