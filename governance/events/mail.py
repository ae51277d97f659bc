"""Past facts about mails."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("mail.chosen", version=1)
@dataclass(frozen=True, kw_only=True)
class MailChosen(Event):
    """A person chose which mails they get."""

    says = _("Chose which mails to get")
    look = ("mail", "idle")

    kinds: list[str]
