"""A folder of files that a training left behind becomes a draft version: the same bytes by digest, nothing copied or opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from ledger.acts import act
from models_registry import cards, events
from models_registry.cloning import locked_original, name_learned, record_descent
from models_registry.data_uses import use_of
from models_registry.models import RegisteredFile, RegisteredModel, Version
from models_registry.permissions import can_draft
from models_registry.services import begin_version, harmless_name
from models_registry.tags import checked_tags

if TYPE_CHECKING:
    from accounts.models import Person
    from data_registry.models import DatasetVersion
    from tracking.models import TrainingRun


@dataclass(frozen=True, slots=True)
class File:
    """A file below the registered folder."""

    path: str
    digest: str
    size: int  # bytes


def register_files(
    model: RegisteredModel,
    *,
    by: Person,
    files: Iterable[File],
    checkpoint: str = "",
    run: TrainingRun | None = None,
    source: dict[str, Any] | None = None,
    overview: str = "",
    note: str = "",
    tags: dict[str, str] | None = None,
) -> Version:
    """The model has a draft with these files; the one at `checkpoint` is its checkpoint. Run and data come along, as claimed.

    Where `source` names another version whose files these are, it is one that hands its bytes on; a draft does, too.
    """
    content, kept = cards.checked({"overview": overview} if overview else {}), list(files)
    weights = next((file for file in kept if file.path == checkpoint), None)
    columns: dict[str, Any] = {"source": source or {}, "tags": checked_tags(tags or {})}
    if weights is not None:
        named = {"checkpoint_digest": weights.digest, "checkpoint_size": weights.size}
        columns |= {**named, "checkpoint_name": harmless_name(weights.path)}
    with act(by, attempt="draft_version", on=model) as this:
        can_draft(by, model).enforce()
        data = list(_data_of(run)) if run else []
        original = None
        if named := columns["source"].get("version"):
            RegisteredModel.objects.select_for_update().get(pk=model.pk)  # before versions, as every lock of a model
            original = locked_original(UUID(named), drafts=True)
        version = begin_version(model, by=by, content=content, data=data, within=this, run=run, note=note, **columns)
        if original is not None:
            name_learned(version, original, within=this)
            record_descent(version, original, within=this)
        RegisteredFile.objects.bulk_create(
            RegisteredFile(version=version, path=file.path, digest=file.digest, size=file.size) for file in kept
        )
        if weights is not None:
            this.record(events.CheckpointReceived(digest=weights.digest, size=weights.size), on=version)
    return version


def _data_of(run: TrainingRun) -> Iterator[tuple[str, DatasetVersion]]:
    """The registered data that the run names, by their use."""
    for one in run.data.exclude(dataset_version=None).select_related("dataset_version"):
        if (use := use_of(one.context)) and one.dataset_version:
            yield use, one.dataset_version
