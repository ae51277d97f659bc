"""What was tried: experiments and their training runs, as they were reported by whoever ran them (claimed, not verified here)."""

from tracking.models.experiment import Experiment
from tracking.models.kept import Artifact, RunData
from tracking.models.logged_model import LoggedModel, LoggedModelFile, LoggedModelUse
from tracking.models.run import TrainingRun, TrainingRunQuerySet
from tracking.models.series import MetricChunk, MetricSeries

__all__ = [
    "Artifact",
    "Experiment",
    "LoggedModel",
    "LoggedModelFile",
    "LoggedModelUse",
    "MetricChunk",
    "MetricSeries",
    "RunData",
    "TrainingRun",
    "TrainingRunQuerySet",
]
