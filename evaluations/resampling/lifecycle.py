"""The steps of a fold and of a combination; the only callers of `Act.move` here."""

from __future__ import annotations

from typing import Any

from core import clock
from evaluations.resampling import events
from evaluations.resampling.models import Combination, Fold
from ledger.acts import Act
from ledger.events import Event
from ledger.leases import CANCEL, COMPLETE, FAIL


def complete(job: Fold | Combination, fact: Event, *, within: Act, **columns: Any) -> None:
    """The job is completed, with what was measured or combined in its `columns`."""
    within.move(job, COMPLETE, fact, finished_at=clock.now(), **columns)


def give_up(job: Fold | Combination, fact: Event, *, within: Act, **columns: Any) -> None:
    """The job has no numbers and never will; `columns` say why."""
    within.move(job, FAIL, fact, finished_at=clock.now(), **columns)


def cancel_fold(fold: Fold, *, within: Act) -> None:
    """The fold will not be measured."""
    within.move(fold, CANCEL, events.FoldCancelled(number=fold.number), finished_at=clock.now())


def cancel_combination(combination: Combination, *, within: Act) -> None:
    """The set will have no number: its version was taken back."""
    fact = events.ResamplingCancelled(version_id=str(combination.resampling.version_id))
    within.move(combination, CANCEL, fact, finished_at=clock.now())
