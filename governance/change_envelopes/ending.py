"""Why an envelope came to its end before its time, as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.models import Person
from governance.models import ChangeEnvelope
from ledger.models import Entry, PrivateValue

if TYPE_CHECKING:
    from datetime import datetime

ENDS = ("change_envelope.withdrawn", "change_envelope.revoked")


@dataclass(frozen=True, slots=True)
class Ending:
    """`reason` is empty once whoever wrote it is erased."""

    at: datetime
    by: Person | None
    reason: str


def how_it_ended(envelope: ChangeEnvelope) -> Ending | None:
    """Who took it back or revoked it, when, and the reason that was given."""
    entry = Entry.objects.about(envelope).filter(type__in=ENDS).order_by("-subject_seq").first()
    if entry is None:
        return None
    reason = PrivateValue.objects.filter(event=entry.pk, path="reason").values_list("value", flat=True).first()
    person = Person.objects.filter(pk=entry.actor_id).first() if entry.actor_kind == "person" else None
    return Ending(entry.at, person, reason or "")
