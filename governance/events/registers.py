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


@event("register.imported", version=1)
@dataclass(frozen=True, kw_only=True)
class RegisterImported(Event):
    """Somebody brought findings in from a file. What was done to each of them stands beside, in the same act."""

    says = _("Register of %(register)s imported from %(format)s: %(new)s new, %(changed)s changed")
    look = ("upload", "info")

    register: str  # findings
    format: str  # csv or xlsx
    digest: str  # of the file
    new: int
    changed: int
    unchanged: int
