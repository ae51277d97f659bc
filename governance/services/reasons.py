"""Reasons that become part of the record."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.errors import InvalidInput


def must_say_why(reason: str) -> None:
    """Refuses a reason that says nothing."""
    if not reason.strip():
        raise InvalidInput(_("Say why: it becomes part of the record."), code="reason_missing")
