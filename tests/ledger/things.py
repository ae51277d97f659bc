"""Two models of these tests' own: something with states, and a job. Their tables exist in the test database only."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from ledger.acts import Transition
from ledger.events import Event, Private, event
from ledger.leases import LeasedJob


class Thing(models.Model):
    name = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=20, default="open")

    class Meta:
        app_label = "ledger_tests"


class Job(LeasedJob):
    class Meta(LeasedJob.Meta):
        app_label = "ledger_tests"


CLOSE = Transition(frozenset({"open"}), "closed")
SHELVE = Transition(frozenset({"open"}), "shelved")


@event("thing.noted", version=1)
@dataclass(frozen=True, kw_only=True)
class ThingNoted(Event):
    """Something was noted about a thing."""

    number: int = 0
    comment: Private = Private("")


@event("thing.closed", version=1)
@dataclass(frozen=True, kw_only=True)
class ThingClosed(Event):
    """A thing was closed."""


@event("thing.shelved", version=1)
@dataclass(frozen=True, kw_only=True)
class ThingShelved(Event):
    """A thing was shelved."""


@event("job.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class JobCompleted(Event):
    """A job was done."""

    attempt: int
