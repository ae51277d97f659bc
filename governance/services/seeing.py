"""What is shown is what is signed."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.errors import InvalidInput, WrongState
from governance.approvals import Approval


def must_be_as_shown(approval: Approval, seen: str) -> None:
    """Return only if `seen`, the digest that the person read, names what stands now."""
    if not seen:
        raise InvalidInput(
            _("Say with “seen” which digest you read: what is shown is what is signed."), code="seen_missing", field="seen"
        )
    if seen != approval.digest:
        raise WrongState(
            _("The version changed while you were reading it. Read it again, then sign what stands now."),
            code="changed_meanwhile",
        )
