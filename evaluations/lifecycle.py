"""The steps out of a running evaluation; the only callers of `Act.move` here."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from core import clock
from evaluations import events
from evaluations.models import EvaluationRun
from ledger.acts import Act
from ledger.leases import CANCEL, COMPLETE, FAIL


def complete(run: EvaluationRun, fact: events.EvaluationCompleted, *, within: Act, **columns: Any) -> None:
    """The run is completed, with what was measured in its `columns`."""
    within.move(run, COMPLETE, fact, finished_at=clock.now(), **columns)


def give_up(run: EvaluationRun, fact: events.EvaluationErrored, *, within: Act, **columns: Any) -> None:
    """The run has no numbers and never will; `columns` say why."""
    within.move(run, FAIL, fact, finished_at=clock.now(), **columns)


def cancel(run: EvaluationRun, *, within: Act) -> None:
    """The run is called off, whether it waited or ran."""
    fact = events.EvaluationCancelled(version_id=str(run.version_id))
    within.move(run, CANCEL, fact, finished_at=clock.now(), error=_("It was called off."))
