"""What happens to experiments and training runs. What a run logs between its start and its fixing is no event: it is claimed,
there is much of it, and the digest at its fixing names all of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("training_run.recorded", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunRecorded(Event):
    """Someone reported a training run with its parameters, curves, code and environment; they are fixed from now on."""

    says = _("Training run reported")
    look = ("chart-line", "idle")

    team: str
    facts_digest: str
    commit: str
    dirty: bool | None
    series: int


@event("training_run.started", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunStarted(Event):
    """A client began to report a training run; it is open until a version that names it is submitted."""

    says = _("Training run started")
    look = ("play", "idle")

    team: str
    experiment: str
    origin: str


@event("training_run.ended", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunEnded(Event):
    """A client said that a training run ended, and how."""

    says = _("Training run ended: %(outcome)s")
    look = ("square", "idle")

    outcome: str


@event("training_run.reopened", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunReopened(Event):
    """A client took a training run up again that had ended."""

    says = _("Training run taken up again")
    look = ("play", "idle")


@event("training_run.fixed", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunFixed(Event):
    """A version that names the run was submitted: the run cannot be changed any more, and this digest names all of it."""

    says = _("Training run fixed")
    look = ("lock", "idle")

    facts_digest: str


@event("training_run.hidden", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunHidden(Event):
    """A training run no longer stands in the lists; nothing of it was deleted."""

    says = _("Training run hidden")
    look = ("eye-off", "idle")


@event("training_run.shown", version=1)
@dataclass(frozen=True, kw_only=True)
class TrainingRunShown(Event):
    """A hidden training run stands in the lists again."""

    says = _("Training run shown again")
    look = ("eye", "idle")


@event("experiment.made", version=1)
@dataclass(frozen=True, kw_only=True)
class ExperimentMade(Event):
    """A team has an experiment in which runs are kept together."""

    says = _("Experiment made")
    look = ("flask-conical", "idle")

    team: str


@event("experiment.renamed", version=1)
@dataclass(frozen=True, kw_only=True)
class ExperimentRenamed(Event):
    """An experiment has another name."""

    says = _("Experiment renamed")
    look = ("flask-conical", "idle")


@event("experiment.hidden", version=1)
@dataclass(frozen=True, kw_only=True)
class ExperimentHidden(Event):
    """An experiment no longer stands in the lists; its runs were not deleted."""

    says = _("Experiment hidden")
    look = ("eye-off", "idle")


@event("experiment.shown", version=1)
@dataclass(frozen=True, kw_only=True)
class ExperimentShown(Event):
    """A hidden experiment stands in the lists again."""

    says = _("Experiment shown again")
    look = ("eye", "idle")


@event("logged_model.begun", version=1)
@dataclass(frozen=True, kw_only=True)
class LoggedModelBegun(Event):
    """A client began to report a model that a training made, as MLflow 3 does; its files follow."""

    says = _("Logged model begun")
    look = ("package", "idle")

    team: str
    experiment: str
    run: str  # "": of no run


@event("logged_model.hidden", version=1)
@dataclass(frozen=True, kw_only=True)
class LoggedModelHidden(Event):
    """A logged model was taken out of the lists; nothing of it was deleted."""

    says = _("Logged model hidden")
    look = ("eye-off", "idle")
