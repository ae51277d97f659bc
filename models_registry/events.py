"""Past facts about models, versions, cards and inspections."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("model.registered", version=1)
@dataclass(frozen=True, kw_only=True)
class ModelRegistered(Event):
    """A model was given a name, an owner and a risk tier."""

    says = _("Model %(name)s registered for %(task)s, risk tier %(risk_tier)s")
    look = ("package", "idle")

    name: str
    team: str
    task: str
    risk_tier: str
    owner: str  # pseudonym


@event("model.stated", version=1)
@dataclass(frozen=True, kw_only=True)
class ModelStated(Event):
    """The task or the risk tier of a model was stated, which its registration had left open."""

    says = _("Stated of the model: task %(task)s, risk tier %(risk_tier)s")
    look = ("package", "idle")

    task: str
    risk_tier: str
    classes: int  # how many


@event("model.described", version=1)
@dataclass(frozen=True, kw_only=True)
class ModelDescribed(Event):
    """The description of a model was written anew."""

    says = _("Model described anew")
    look = ("pencil", "idle")

    description_digest: str


@event("model.renamed", version=1)
@dataclass(frozen=True, kw_only=True)
class ModelRenamed(Event):
    """A model of which nothing was submitted yet was given another name."""

    says = _("Model %(former)s renamed %(name)s")
    look = ("pencil", "idle")

    former: str
    name: str


@event("model.alias_set", version=1)
@dataclass(frozen=True, kw_only=True)
class AliasSet(Event):
    """A name of the team's own points at a version of the model."""

    says = _("Alias %(name)s set to version %(number)s")
    look = ("tag", "idle")

    name: str
    number: int
    former: int | None  # the number of the version that it pointed at before


@event("model.alias_removed", version=1)
@dataclass(frozen=True, kw_only=True)
class AliasRemoved(Event):
    """A name of the team's own points at no version any more."""

    says = _("Alias %(name)s removed from version %(former)s")
    look = ("tag", "idle")

    name: str
    former: int


@event("registry.tagged", version=1)
@dataclass(frozen=True, kw_only=True)
class Tagged(Event):
    """A model or a version was given a tag, or lost it: a label of the team's own, by which nothing is decided."""

    says = _("Tag %(tag)s written")
    look = ("tag", "idle")

    tag: str
    value_digest: str  # "": removed


@event("model.tier_assessed", version=1)
@dataclass(frozen=True, kw_only=True)
class ModelTierAssessed(Event):
    """The model has the risk tier that an assessment came to; submissions are judged by the policy of this tier from now on."""

    says = _("Risk tier assessed: %(tier)s")
    look = ("scale", "info")

    tier: str
    former: str
    assessment: str


@event("version.drafted", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionDrafted(Event):
    """A version was begun; nothing of it is fixed yet."""

    says = _("Version %(number)s begun")
    look = ("circle-dashed", "idle")

    model: str
    number: int
    note_digest: str = ""
    run: str = ""


@event("version.cloned", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionCloned(Event):
    """A draft was begun from another version: it has that one's bytes, and nothing of what was decided about it."""

    says = _("Cloned from %(name)s")
    look = ("copy", "idle")

    original: str
    name: str  # of the original, as it was called then
    team: str  # of the original
    checkpoint: str


@event("version.checkpoint_received", version=1)
@dataclass(frozen=True, kw_only=True)
class CheckpointReceived(Event):
    """The bytes of a draft's checkpoint arrived and were hashed."""

    says = _("Checkpoint received: %(digest)s, %(size)s bytes")
    look = ("upload", "idle")

    digest: str
    size: int


@event("version.data_linked", version=1)
@dataclass(frozen=True, kw_only=True)
class DataLinked(Event):
    """A dataset version was named as training, validation or test data of a draft."""

    says = _("Data named for %(use)s: %(digest)s")
    look = ("database", "idle")

    dataset_version: str
    digest: str
    use: str


@event("version.data_unlinked", version=1)
@dataclass(frozen=True, kw_only=True)
class DataUnlinked(Event):
    """A dataset version is no longer named for this use by a draft."""

    says = _("Data no longer named for %(use)s")
    look = ("database", "idle")

    dataset_version: str
    use: str


@event("version.described", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionDescribed(Event):
    """A draft's training run, architecture, way of reading data and note were written anew."""

    says = _("Draft described anew")
    look = ("file-pen", "idle")

    run: str
    construction: str
    note_digest: str


@event("card.revised", version=1)
@dataclass(frozen=True, kw_only=True)
class CardRevised(Event):
    """A new revision of a version's card was written; signatures over an earlier one are stale."""

    says = _("Card revision %(revision)s written")
    look = ("file-pen", "info")

    revision: int
    digest: str


@event("version.submitted", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionSubmitted(Event):
    """A version was handed in: its checkpoint, how it is built and fed, data links and code facts are fixed from here on."""

    says = _("Version %(number)s submitted with checkpoint %(checkpoint)s")
    look = ("send", "info")

    checkpoint: str
    card: str
    data: list[str]
    run: str = ""
    construction: str = ""
    number: int = 0


@event("version.withdrawn", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionWithdrawn(Event):
    """The submitter took the version back before a decision."""

    says = _("Version withdrawn")
    look = ("undo-2", "idle")


@event("version.in_review", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionInReview(Event):
    """The bytes were accepted by the inspection, so people may look at the version."""

    says = _("Version opened to its reviewers")
    look = ("circle-dot", "info")


@event("version.reopened", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionReopened(Event):
    """A decided version is in review again, because its card changed or somebody asked for it; its bytes are the same."""

    says = _("Version in review again")
    look = ("circle-dot", "warn")


@event("version.approved", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionApproved(Event):
    """Every signature that the policy asks for was given on the same digest."""

    says = _("Version approved")
    look = ("circle-check", "ok")

    review: str
    digest: str


@event("version.approved_with_conditions", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionApprovedWithConditions(Event):
    """Every signature that the policy asks for was given on the same digest, some of them under conditions that are unmet."""

    says = _("Version approved with conditions")
    look = ("badge-check", "warn")

    review: str
    digest: str


@event("version.changes_requested", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionChangesRequested(Event):
    """A reviewer asked for changes; the version waits for a new revision of its card, or a successor."""

    says = _("Changes requested")
    look = ("message-square-warning", "warn")

    review: str


@event("version.rejected", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionRejected(Event):
    """The version was refused for good: by the inspection of its bytes, or by a reviewer."""

    says = _("Version rejected by the %(reason)s")
    look = ("circle-x", "bad")

    reason: str
    review: str = ""


@event("version.suspended", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionSuspended(Event):
    """The approval was taken back because it no longer held."""

    says = _("Approval suspended because of the %(reason)s")
    look = ("octagon-pause", "bad")

    reason: str
    alert: str = ""


@event("version.retired", version=1)
@dataclass(frozen=True, kw_only=True)
class VersionRetired(Event):
    """The version is never released again."""

    says = _("Version retired")
    look = ("archive", "idle")

    reason: Private


@event("inspection.queued", version=1)
@dataclass(frozen=True, kw_only=True)
class InspectionQueued(Event):
    """An inspection of exactly these bytes was asked for."""

    says = _("Inspection asked for, of checkpoint %(checkpoint)s")
    look = ("hourglass", "idle")

    version_id: str
    checkpoint: str


@event("inspection.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class InspectionCompleted(Event):
    """The sandbox read the bytes and gave a verdict, with the strength that the sandbox reached."""

    says = _("Checkpoint inspected at sandbox level %(level)s: %(verdict)s (%(format)s)")
    look = ("file-search", "info")

    version_id: str
    checkpoint: str
    verdict: str
    format: str
    level: str
    facts_digest: str
    attempt: int


@event("checkpoint.refused", version=1)
@dataclass(frozen=True, kw_only=True)
class CheckpointRefused(Event):
    """The bytes were refused before anything in them was loaded; what was found is named."""

    says = _("Checkpoint refused before loading: %(found)s")
    look = ("ban", "bad")

    checkpoint: str
    format: str
    found: list[str]


@event("inspection.errored", version=1)
@dataclass(frozen=True, kw_only=True)
class InspectionErrored(Event):
    """The inspection could not be finished: a limit was reached or the sandbox was too weak."""

    says = _("Inspection not finished: %(ended)s")
    look = ("power-off", "warn")

    version_id: str
    ended: str
    level: str
