"""That whoever signs has accepted, once, that an electronic signature binds as one by hand."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import Person
from core import clock
from core.errors import InvalidInput
from governance import events
from governance.models import Accountability
from governance.signed_words import ACCOUNTABILITY_VERSION, accountability_digest
from ledger.acts import Act


def has_accepted(person: Person) -> bool:
    return Accountability.objects.filter(person=person.pk, text_version=ACCOUNTABILITY_VERSION).exists()


def require_acceptance(person: Person, *, accept: bool) -> None:
    """Return only if the person has accepted the text, or does so with this request."""
    if not (accept or has_accepted(person)):
        raise InvalidInput(
            _("Before your first signature, accept that it binds you as one by hand: tick the sentence (API: “accept”: true)."),
            code="accountability_needed",
            field="accept",
        )


def keep_acceptance(person: Person, *, accept: bool, within: Act) -> None:
    """The acceptance is on record, whichever of several requests was first."""
    require_acceptance(person, accept=accept)
    if has_accepted(person):
        return
    fact = events.AccountabilityAccepted(text_version=ACCOUNTABILITY_VERSION, text_digest=accountability_digest())
    recorded = within.record(fact, on=person)
    Accountability.objects.create(person=person.pk, text_version=ACCOUNTABILITY_VERSION, accepted_at=clock.now(), event=recorded)
