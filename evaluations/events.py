"""Past facts about evaluation runs."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("evaluation.queued", version=1)
@dataclass(frozen=True, kw_only=True)
class EvaluationQueued(Event):
    """A measurement of exactly these bytes on exactly these data was asked for; the thresholds are fixed from here on."""

    says = _("Evaluation asked for; its thresholds are fixed from here on")
    look = ("hourglass", "idle")

    version_id: str
    checkpoint: str
    dataset: str
    suite: str
    thresholds_digest: str
    policy: str


@event("evaluation.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class EvaluationCompleted(Event):
    """The numbers were measured in the sandbox and recorded once."""

    says = _("Evaluation on %(rows)s rows at sandbox level %(level)s: %(outcome)s")
    look = ("flask-conical", "info")

    version_id: str
    checkpoint: str
    dataset: str
    results_digest: str
    outcome: str
    rows: int
    level: str
    attempt: int


@event("evaluation.errored", version=1)
@dataclass(frozen=True, kw_only=True)
class EvaluationErrored(Event):
    """The measurement could not be finished: a limit was reached, the sandbox was too weak, or the bytes did not fit."""

    says = _("Evaluation not finished: %(ended)s")
    look = ("power-off", "warn")

    version_id: str
    ended: str
    level: str


@event("evaluation.cancelled", version=1)
@dataclass(frozen=True, kw_only=True)
class EvaluationCancelled(Event):
    """The measurement was called off before it was done: by a person, or because its version was refused or withdrawn."""

    says = _("Evaluation called off")
    look = ("circle-slash", "idle")

    version_id: str


@event("evaluation.repeat_asked", version=1)
@dataclass(frozen=True, kw_only=True)
class EvaluationRepeatAsked(Event):
    """The same measurement was asked for again: beside a completed one, or instead of one that was not finished."""

    says = _("Asked for once more")
    look = ("repeat", "idle")

    version_id: str
    again: str
    results_digest: str
