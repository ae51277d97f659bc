"""Everything that a report is made from, read in one moment, so that its parts cannot contradict one another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Person
from audit.models import Report
from audit.wording import person_word
from core import clock
from core.errors import Unavailable, WrongState
from core.snapshots import one_moment
from data_registry.lineage import Assessment, Step, assess, upstream
from data_registry.models import DatasetVersion, Profile
from evaluations.models import EvaluationRun
from evaluations.services import verdict_of
from evaluations.verdicts import Verdict
from governance.approvals import Approval, approval_of
from governance.models import Release, Review, SignOff
from ledger.models import Entry, PrivateValue
from ledger.services import sequence_and_seal
from models_registry.descent import originals_of
from models_registry.history import entries_of
from models_registry.models import ModelCard, Version, VersionData
from monitoring.models import Alert, ObservationBatch

PATIENCE = 30  # seconds until the sequencer must have given every event its place
# What is told of the data that reach a version, and of the policies that it was judged by.
DATA_EVENTS = ("dataset_version.registered", "dataset_version.linked", "pii_finding.recorded")
DISCLOSED = {
    "sign_off.given": ("name", "comment", "delegator"),
    "sign_off.withdrawn": ("name", "reason"),
    "condition.set": ("text", "evidence"),
    "condition.reported": ("report",),
    "condition.met": ("name", "reason"),
    "condition.not_met": ("name", "reason"),
    "release.made": ("reason",),
}


@dataclass
class Material:
    """The rows behind one report."""

    report: Report
    at: datetime
    version: Version
    approval: Approval
    entries: list[Entry]  # in the order of the log, each with its leaf
    private: dict[tuple[UUID, str], PrivateValue]
    reviews: list[Review]
    sign_offs: dict[UUID, SignOff]  # by event
    runs: list[tuple[EvaluationRun, Verdict]]
    originals: list[Version]  # whose bytes these are: the nearest first
    card: ModelCard | None
    uses: list[VersionData]
    data: list[DatasetVersion]  # what the version names and all that those came from
    lineage: dict[UUID, list[Step]]  # upwards, for each that the version names
    assessment: Assessment
    profiles: dict[UUID, Profile]
    releases: list[Release]
    alerts: dict[str, Alert]
    batches: list[ObservationBatch]
    people: dict[UUID, Person]

    @cached_property
    def own(self) -> list[Entry]:
        """The events on the version itself."""
        return [entry for entry in self.entries if entry.subject_type == "version"]

    def of_type(self, *types: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.type in types]

    def name_of(self, pseudonym: Any) -> str:
        """A person's name as it is known now."""
        return person_word(self.people.get(UUID(str(pseudonym))))

    def disclosed(self, entry: Entry, path: str) -> str | None:
        """A private value of an entry, while it is there to be shown."""
        found = self.private.get((entry.pk, path))
        return None if found is None else found.value

    def index_of(self, kind: str, key: Any, event_type: str) -> int | None:
        """The place in the log of the first event of this type on this subject."""
        for entry in self.entries:
            if (entry.type, entry.subject_type, entry.subject_id) == (event_type, kind, str(key)):
                return entry.leaf.index
        return None


def gather(report: Report) -> Material:
    """The material of `report`, once every event about its version has its place in the log."""
    deadline = time.monotonic() + PATIENCE
    while True:
        sequence_and_seal()
        with one_moment():
            material = _read(report)
        if all(hasattr(entry, "leaf") for entry in material.entries):
            material.entries.sort(key=lambda entry: entry.leaf.index)
            return material
        if time.monotonic() > deadline:
            raise Unavailable(_("The log did not take in the version's latest events. Try again in a minute."), code="log_behind")
        time.sleep(0.2)


def _read(report: Report) -> Material:
    version = Version.objects.with_parts().get(pk=report.version_id)
    if version.state == Version.State.DRAFT or not version.checkpoint_digest:
        raise WrongState(_("%(version)s was never submitted, so there is nothing to report.") % {"version": version})
    uses = list(version.data.select_related("dataset_version__dataset"))
    named = {use.dataset_version_id: use.dataset_version for use in uses}
    lineage = {key: upstream(one) for key, one in named.items()}
    reached = set(named) | {step.version.pk for steps in lineage.values() for step in steps}
    data = list(DatasetVersion.objects.filter(pk__in=reached).select_related("dataset").order_by("dataset__name", "number"))
    reviews = list(version.reviews.select_related("policy").prefetch_related("steps").order_by("opened_at"))
    entries = _entries(report, version, data, reviews)
    runs = EvaluationRun.objects.with_results().filter(version=version).order_by("queued_at", "pk")
    releases = list(version.releases.select_related("released_by", "under__envelope__model", "emergency").order_by("released_at"))
    people = {UUID(entry.actor_id) for entry in entries if entry.actor_kind == "person"}
    people |= {UUID(entry.data["owner"]) for entry in entries if entry.type == "condition.set"}
    people |= {report.requested_by_id, version.model.owner_id, version.created_by_id}
    if version.training_run:
        people.add(version.training_run.created_by_id)
    if version.card:
        people.add(version.card.author_id)
    people |= {one.released_by_id for one in releases if one.released_by_id}
    people |= {version.submitted_by_id} if version.submitted_by_id else set()
    return Material(
        report=report,
        at=clock.now(),
        version=version,
        approval=approval_of(version, report.environment),
        entries=entries,
        private={(one.event_id, one.path): one for one in _private(entries)},
        reviews=reviews,
        sign_offs={one.event: one for one in SignOff.objects.filter(review__version=version).select_related("withdrawal")},
        runs=[(run, verdict_of(run)) for run in runs],
        originals=originals_of(version),
        card=version.card,
        uses=uses,
        data=data,
        lineage=lineage,
        assessment=assess(named),
        profiles={one.dataset_version_id: one for one in Profile.objects.filter(dataset_version__in=reached)},
        releases=releases,
        alerts={str(one.pk): one for one in Alert.objects.filter(version=version)},
        batches=list(ObservationBatch.objects.filter(version=version, environment=report.environment).order_by("received_at")),
        people=Person.objects.in_bulk(people),
    )


def _entries(report: Report, version: Version, data: list[DatasetVersion], reviews: list[Review]) -> list[Entry]:
    """The version's history without the making of this report, with what is recorded of its data and its policies."""
    about = entries_of(version).exclude(subject_type="report", subject_id=str(report.pk))
    beside = Entry.objects.filter(
        subject_type="dataset_version", subject_id__in=[str(one.pk) for one in data], type__in=DATA_EVENTS
    ) | Entry.objects.filter(subject_type="policy", subject_id__in=[str(one.policy_id) for one in reviews])
    return [*about, *beside.select_related("leaf")]


def _private(entries: list[Entry]) -> Iterator[PrivateValue]:
    """The values that a report shows: names and comments of signatures, reasons of releases. All others stay withheld."""
    wanted = {entry.pk: DISCLOSED[entry.type] for entry in entries if entry.type in DISCLOSED}
    for value in PrivateValue.objects.filter(event_id__in=wanted):
        if value.path in wanted[value.event_id]:
            yield value
