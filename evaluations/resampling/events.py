"""Past facts about sets of folds and refits."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("resampling.begun", version=1)
@dataclass(frozen=True, kw_only=True)
class ResamplingBegun(Event):
    """A set of checkpoints on parts of these training data was begun; the split says which rows each holds out."""

    says = _("Cross-validation begun with a split into %(parts)s parts")
    look = ("split", "idle")

    version_id: str
    method: str
    dataset: str
    split: str
    parts: int
    seed: int


@event("resampling.checkpoint_received", version=1)
@dataclass(frozen=True, kw_only=True)
class FoldReceived(Event):
    """The checkpoint of one part of the split arrived."""

    says = _("Checkpoint of part %(number)s received")
    look = ("upload", "idle")

    number: int
    digest: str
    size: int


@event("resampling.submitted", version=1)
@dataclass(frozen=True, kw_only=True)
class ResamplingSubmitted(Event):
    """The set is complete and fixed; each checkpoint will be measured on the rows that it was not trained on."""

    says = _("Cross-validation submitted: its checkpoints are fixed")
    look = ("send", "idle")

    version_id: str
    checkpoint: str
    dataset: str
    split: str
    folds: list[str]


@event("resampling_fold.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class FoldMeasured(Event):
    """One checkpoint of the set was measured in the sandbox."""

    says = _("Part %(number)s measured on %(rows)s rows at sandbox level %(level)s")
    look = ("flask-conical", "info")

    version_id: str
    number: int
    checkpoint: str
    weights: str
    rows: int
    level: str
    attempt: int


@event("resampling_fold.errored", version=1)
@dataclass(frozen=True, kw_only=True)
class FoldErrored(Event):
    """One checkpoint of the set could not be measured, so the whole set has no result."""

    says = _("Part %(number)s could not be measured: %(ended)s")
    look = ("power-off", "warn")

    version_id: str
    number: int
    ended: str
    level: str


@event("resampling_fold.cancelled", version=1)
@dataclass(frozen=True, kw_only=True)
class FoldCancelled(Event):
    """The measurement of one checkpoint of the set was called off."""

    says = _("Measurement of part %(number)s called off")
    look = ("circle-slash", "idle")

    number: int


@event("resampling_combination.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class ResamplingCompleted(Event):
    """Every part was measured, and the numbers were combined."""

    says = _("Cross-validation completed over %(parts)s parts")
    look = ("flask-conical", "info")

    version_id: str
    method: str
    dataset: str
    split: str
    parts: int
    results_digest: str


@event("resampling_combination.errored", version=1)
@dataclass(frozen=True, kw_only=True)
class ResamplingErrored(Event):
    """No number was made of the set: a part could not be measured, or two parts turned out to be the same weights."""

    says = _("Cross-validation without a result: %(ended)s")
    look = ("power-off", "warn")

    version_id: str
    ended: str


@event("resampling_combination.cancelled", version=1)
@dataclass(frozen=True, kw_only=True)
class ResamplingCancelled(Event):
    """The set was called off, because its version was refused or withdrawn."""

    says = _("Cross-validation called off")
    look = ("circle-slash", "idle")

    version_id: str
