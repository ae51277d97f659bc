"""Past facts about releases in an emergency."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, Private, event


@event("emergency.released", version=1)
@dataclass(frozen=True, kw_only=True)
class EmergencyReleased(Event):
    """A person proved who they are and released a version before its signatures were complete; its review goes on."""

    says = _("Released to %(environment)s in an emergency, as %(role)s, until %(until)s")
    look = ("siren", "bad")

    version_id: str
    environment: str
    policy: str
    digest: str
    record: str
    role: str
    proof: list[str]
    until: str
    review_due: str
    reason: Private
    name: Private
