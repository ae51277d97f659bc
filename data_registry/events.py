"""What happens to datasets. Names of datasets and columns are facts about data; notes of people are private."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("dataset.registered", version=1)
@dataclass(frozen=True, kw_only=True)
class DatasetRegistered(Event):
    """A team opened a dataset under which versions will stand."""

    says = _("Dataset %(name)s opened")
    look = ("database", "idle")

    team: str
    name: str


@event("dataset_version.drafted", version=1)
@dataclass(frozen=True, kw_only=True)
class DatasetVersionDrafted(Event):
    """A new version of a dataset was described; its content may now be sent."""

    says = _("Version %(number)s of the dataset described")
    look = ("circle-dashed", "idle")

    dataset: str
    number: int
    provenance_digest: str


@event("dataset_version.content_received", version=1)
@dataclass(frozen=True, kw_only=True)
class DatasetContentReceived(Event):
    """The content of a draft arrived and was hashed; it replaces what had arrived before."""

    says = _("Content received: %(digest)s")
    look = ("upload", "idle")

    digest: str
    size: str  # bytes, as a string because canonical JSON holds no integer beyond 2**53 - 1


@event("dataset_version.content_located", version=1)
@dataclass(frozen=True, kw_only=True)
class DatasetContentLocated(Event):
    """The draft's content stays where it is; workers read it there, as long as it has this digest."""

    says = _("Content stays at %(place)s: %(digest)s")
    look = ("map-pin", "idle")

    digest: str
    size: str
    place: str


@event("dataset_version.registered", version=1)
@dataclass(frozen=True, kw_only=True)
class DatasetVersionRegistered(Event):
    """A dataset version was fixed for ever with its content, columns and provenance."""

    says = _("Data fixed with content and provenance: %(digest)s")
    look = ("lock", "info")

    digest: str
    facts_digest: str


@event("dataset_version.linked", version=1)
@dataclass(frozen=True, kw_only=True)
class DatasetVersionLinked(Event):
    """A dataset version was said to come from another one; what is known of that one now reaches it."""

    says = _("Said to come from another dataset version: %(kind)s")
    look = ("git-branch", "idle")

    kind: str
    to_version: str


@event("pii_finding.recorded", version=1)
@dataclass(frozen=True, kw_only=True)
class PiiFindingRecorded(Event):
    """Someone or a scan said whether personal data of a category is present in a dataset version."""

    look = ("users", "info")

    @classmethod
    def saying(cls, data: Mapping[str, Any]) -> str | Promise:
        if data.get("column"):
            return _("Personal data (%(category)s) in column %(column)s: %(present)s, %(basis)s")
        return _("Personal data (%(category)s) in the data as a whole: %(present)s, %(basis)s")

    finding: str
    column: str
    category: str
    kind: str
    present: str
    basis: str
    evaluated_by: str
    matched: int | None
    scanned: int | None
    note: Private


@event("profile.queued", version=1)
@dataclass(frozen=True, kw_only=True)
class ProfileQueued(Event):
    """A registered dataset version was put in line to be read by a worker in the sandbox."""

    says = _("Reading of the content asked for")
    look = ("hourglass", "idle")

    dataset_version: str


@event("profile.completed", version=1)
@dataclass(frozen=True, kw_only=True)
class ProfileCompleted(Event):
    """A worker read a dataset version in the sandbox and recorded what it counted, found and did not check."""

    says = _(
        "Content read at sandbox level %(sandbox_level)s: findings of personal data %(findings)s, not checked %(not_checked)s"
    )
    look = ("file-search", "info")

    facts_digest: str
    findings: int
    not_checked: int
    sandbox_level: str


@event("profile.failed", version=1)
@dataclass(frozen=True, kw_only=True)
class ProfileFailed(Event):
    """The content of a dataset version could not be read in the sandbox; nothing is known from it."""

    says = _("Content not read: %(reason)s")
    look = ("power-off", "warn")

    reason: str
    sandbox_level: str


@event("hold_out.registered", version=1)
@dataclass(frozen=True, kw_only=True)
class HoldOutRegistered(Event):
    """A validator registered a dataset version as a hold-out: it is there to test on, and each measurement on it is counted."""

    says = _("Registered as a hold-out")
    look = ("lock", "info")

    dataset_version: str
    digest: str
