"""The steps of a training run."""

from __future__ import annotations

from datetime import datetime

from ledger.acts import Act, Transition
from tracking.events import TrainingRunEnded, TrainingRunReopened
from tracking.models import TrainingRun

State = TrainingRun.State
ENDED = frozenset({State.FINISHED, State.FAILED, State.KILLED})
# A client may say more than once how a run ended: an import that was begun in another state, or a wrapper that knows better.
ENDS = {outcome: Transition(frozenset(State) - {outcome}, outcome) for outcome in ENDED}
REOPEN = Transition(ENDED, State.RUNNING)


def end(run: TrainingRun, outcome: str, *, at: datetime, within: Act) -> None:
    within.move(run, ENDS[State(outcome)], TrainingRunEnded(outcome=outcome), where={"fixed_at": None}, ended_at=at)


def reopen(run: TrainingRun, *, within: Act) -> None:
    within.move(run, REOPEN, TrainingRunReopened(), where={"fixed_at": None}, ended_at=None)
