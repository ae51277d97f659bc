"""Registering data: a dataset, a draft of a version, its content, and the moment from which it is fixed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import Person, Team
from core import blobs
from core.canonical import sha256_of
from core.errors import InvalidInput, WrongState
from data_registry import jobs, locations
from data_registry.columns import require_columns
from data_registry.documents import require_text
from data_registry.events import (
    DatasetContentLocated,
    DatasetContentReceived,
    DatasetRegistered,
    DatasetVersionDrafted,
    DatasetVersionRegistered,
    ProfileQueued,
)
from data_registry.lifecycle import REGISTER
from data_registry.models import Dataset, DatasetVersion, Profile
from data_registry.permissions import can_change, can_register
from data_registry.provenance import require_complete
from data_registry.services.findings import declare_columns
from ledger.acts import Act, act

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
MOST_ROWS = 2**53 - 1
PROFILED = (DatasetVersion.Format.SAFETENSORS, DatasetVersion.Format.CSV, DatasetVersion.Format.PARQUET)

# Controls, and marks that turn the direction of what follows: with one in a name, a sentence around it may read as another.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")


def register_dataset(team: Team, *, by: Person, name: str, description: str = "") -> Dataset:
    """A dataset of that name stands in the team, without versions yet."""
    with act(by, attempt="register_dataset", on=team) as this:
        can_register(by, team).enforce()
        name = name.strip()
        if not 1 <= len(name) <= 120:
            raise InvalidInput(_("Give the dataset a name of 1 to 120 characters."))
        require_text(name + description, name=_("The name or description"))
        if hidden := _HIDDEN.search(name):
            raise InvalidInput(
                _("The name holds a character that nobody sees (%(character)s); leave it out.")
                % {"character": f"U+{ord(hidden.group()):04X}"}
            )
        dataset = Dataset(team=team, name=name, description=description, created_by=by, created_at=this.at)
        try:
            with transaction.atomic():
                dataset.save(force_insert=True)
        except IntegrityError as taken:
            raise InvalidInput(
                _("The team already has a dataset named “%(name)s”: add a version to it, or choose another name.")
                % {"name": name},
                code="name_taken",
            ) from taken
        this.record(DatasetRegistered(team=str(team.pk), name=name), on=dataset)
    return dataset


def draft_version(
    dataset: Dataset,
    *,
    by: Person,
    provenance: Mapping[str, Any],
    format: str = DatasetVersion.Format.OTHER,
    media_type: str = "",
    columns: Sequence[Mapping[str, Any]] = (),
    rows: int | None = None,
) -> DatasetVersion:
    """The dataset's next version stands as a draft with complete provenance, and its content may be sent.

    `columns` are what the registrar declares: [{"name", "dtype", "category", "present"}], all but the name optional.
    """
    with act(by, attempt="draft_dataset_version", on=dataset) as this:
        can_change(by, dataset).enforce()
        if format not in DatasetVersion.Format.values:
            known = ", ".join(DatasetVersion.Format.values)
            raise InvalidInput(_("%(format)s is not a known format; use one of: %(known)s.") % {"format": format, "known": known})
        if rows is not None and not 0 <= rows <= MOST_ROWS:
            raise InvalidInput(_("The number of rows must be between 0 and %(most)d.") % {"most": MOST_ROWS})
        require_text(media_type, name=_("The media type"))
        require_complete(provenance)
        described = require_columns(columns)
        Dataset.objects.select_for_update().get(pk=dataset.pk)  # two drafts at once get two numbers
        last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
        version = dataset.versions.create(
            number=last + 1,
            format=format,
            media_type=media_type[:120],
            columns=described,
            rows=rows,
            provenance=dict(provenance),
            created_by=by,
            created_at=this.at,
        )
        this.record(
            DatasetVersionDrafted(
                dataset=str(dataset.pk), number=version.number, provenance_digest=sha256_of(version.provenance)
            ),
            on=version,
        )
    return version


def receive_content(
    version: DatasetVersion, *, by: Person, chunks: Iterable[bytes], expected: str | None = None
) -> DatasetVersion:
    """The draft has the streamed content, named by its digest; what it had before is replaced.

    The stream is stored and hashed once, outside any act. `expected` is the digest that the sender computed, if they did.
    """
    with act(by, attempt="send_dataset_content", on=version):
        _locked_draft(version, by)  # a refusal comes before the first byte is read
    blob = blobs.receive(chunks, limit=settings.UPLOAD_LIMIT, expected=expected)
    with act(by, attempt="send_dataset_content", on=version) as this:
        _locked_draft(version, by)
        version.digest, version.size, version.location = blob.digest, blob.size, {}
        version.save(update_fields=["digest", "size", "location"])
        this.record(DatasetContentReceived(digest=blob.digest, size=str(blob.size)), on=version)
    return version


def locate_content(version: DatasetVersion, *, by: Person, location: Mapping[str, Any], digest: str, size: int) -> DatasetVersion:
    """The draft names where its content stays, with the digest and size that it has there; a worker reads it when it is needed.
    What the draft had before is replaced."""
    with act(by, attempt="locate_dataset_content", on=version) as this:
        _locked_draft(version, by)
        place = locations.checked(location)
        if not _DIGEST.fullmatch(digest):
            raise InvalidInput(_("A digest is written sha256: followed by 64 lower-case hexadecimal digits."), code="digest")
        if not 1 <= size <= settings.UPLOAD_LIMIT:
            raise InvalidInput(
                _("The size is a number of bytes from 1 to %(most)s.") % {"most": f"{settings.UPLOAD_LIMIT:,}"}, code="size"
            )
        version.digest, version.size, version.location = digest, size, place
        version.save(update_fields=["digest", "size", "location"])
        this.record(DatasetContentLocated(digest=digest, size=str(size), place=locations.words_of(place)), on=version)
    return version


def register_version(version: DatasetVersion, *, by: Person, digest: str | None = None) -> DatasetVersion:
    """The version is fixed for ever with its content, columns and provenance; a worker will read it.

    `digest`, where given, says which content is meant: another one that arrived meanwhile is not registered.
    """
    with act(by, attempt="register_dataset_version", on=version) as this:
        _locked_draft(version, by)
        if not version.digest:
            raise WrongState(_("The version has no content yet: send it, then register."), code="no_content")
        if digest is not None and digest != version.digest:
            raise WrongState(
                _("The content is now %(present)s, not %(meant)s: look again before you register.")
                % {"present": version.digest, "meant": digest},
                code="other_content",
            )
        require_complete(version.provenance)
        this.move(version, REGISTER, DatasetVersionRegistered(digest=version.digest, facts_digest=version.facts_digest))
        declare_columns(version, by=by, within=this)
        if version.format in PROFILED:  # nothing here reads other formats: that they were not read is shown
            _queue_profile(version, within=this)
    return version


def _locked_draft(version: DatasetVersion, by: Person) -> None:
    version.refresh_from_db(from_queryset=DatasetVersion.objects.select_for_update())
    can_change(by, version).enforce()
    if version.is_registered:
        raise WrongState(
            _("%(version)s is registered and never changes: correct it by a new version.") % {"version": version},
            code="registered",
        )


def _queue_profile(version: DatasetVersion, *, within: Act) -> None:
    profile = Profile.objects.create(dataset_version=version, queued_at=within.at)
    within.record(ProfileQueued(dataset_version=str(version.pk)), on=profile)
    jobs.ring_for_profile(profile)
