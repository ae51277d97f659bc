"""Past facts about files that people bring as evidence."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("evidence.uploaded", version=1)
@dataclass(frozen=True, kw_only=True)
class EvidenceUploaded(Event):
    """A file was brought as evidence of this kind, for a model or for one version of it."""

    says = _("Evidence uploaded (%(kind)s): %(digest)s, %(size)s bytes")
    look = ("file-up", "info")

    model: str
    version_id: str  # "": for the model as a whole
    kind: str
    digest: str
    size: int
    owner: str
    valid_from: str
    valid_until: str  # "": without an end
    title: Private = Private("")
    file_name: Private = Private("")


@event("evidence.superseded", version=1)
@dataclass(frozen=True, kw_only=True)
class EvidenceSuperseded(Event):
    """A newer file of the same kind took the place of this one, which is kept."""

    says = _("Evidence superseded by a newer file")
    look = ("layers", "idle")

    by: str
    digest: str


@event("evidence.withdrawn", version=1)
@dataclass(frozen=True, kw_only=True)
class EvidenceWithdrawn(Event):
    """The file no longer counts, and nothing took its place; it is kept."""

    says = _("Evidence withdrawn (%(kind)s)")
    look = ("undo-2", "warn")

    kind: str
    digest: str
    reason: Private = Private("")
