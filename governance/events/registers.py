"""Past facts about the registers as files."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from ledger.events import Event, event


@event("register.exported", version=1)
@dataclass(frozen=True, kw_only=True)
class RegisterExported(Event):
    """Somebody took the findings or the exceptions that they see away as a file, all of them or those that filters left."""

    says = _("Register of %(register)s exported as %(format)s, %(rows)s rows")
    look = ("download", "idle")

    register: str  # findings or exceptions
    format: str  # csv or xlsx
    rows: int
    filtered: bool
