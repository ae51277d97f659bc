"""Does an emergency stand in for missing signatures? Asked by the gate alone, beside the approval and never as one.

An approval holds only by signatures: were an emergency part of `Approval.holds`, it would conclude the review that judges it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Role
from core import clock
from governance.approvals import Approval
from governance.models import EmergencyApproval, Review, label_of
from models_registry.models import Version

if TYPE_CHECKING:
    from accounts.models import Person

NEVER_WAIVED = frozenset({"inspection", "findings"})  # kinds of requirement that an emergency does not pass over


def emergency_of(version: Version, environment: str, approval: Approval) -> EmergencyApproval | None:
    """The emergency that lets the version run there although its approval does not hold; None where nothing does."""
    row = _given(version, environment, approval)
    return row if row is not None and not _against(row, version, approval) else None


def ended(version: Version, environment: str, approval: Approval) -> list[str]:
    """Why the emergency under the latest review counts no more; nothing where it does, or where there was none."""
    row = _given(version, environment, approval)
    return _against(row, version, approval) if row is not None else []


def _given(version: Version, environment: str, approval: Approval) -> EmergencyApproval | None:
    if approval.holds or approval.review is None:
        return None
    rows = EmergencyApproval.objects.filter(version=version, environment=environment, review=approval.review)
    return rows.select_related("review", "version").first()


def _against(row: EmergencyApproval, version: Version, approval: Approval) -> list[str]:
    reasons = still_blocking(approval)
    if clock.now() >= row.ends_at:
        reasons.append(_("The emergency release ended, and its review was not concluded with an approval."))
    elif version.state != Version.State.IN_REVIEW or row.review.state != Review.State.OPEN:
        reasons.append(_("The review after the emergency release ended without an approval that holds."))
    return reasons


def still_blocking(approval: Approval) -> list[str]:
    """What stands against the version even in an emergency."""
    return [answer.sentence for answer in approval.answers if answer.blocks and answer.kind in NEVER_WAIVED]


def sentence_of(row: EmergencyApproval) -> str:
    """What is said wherever the version is live by it."""
    return _(
        "Released to %(environment)s in an emergency, without every signature that its policy asks for. It may run until "
        "%(until)s, and its review is due by %(due)s."
    ) % {
        "environment": label_of(row.environment).lower(),
        "until": _moment(row.ends_at),
        "due": _moment(row.review_due_at),
    }


def role_in_emergency(person: Person, review: Review) -> str | None:
    """In which of the roles that the policy names `person` releases; None where in none."""
    allowed = review.policy.document.emergency
    roles = allowed.roles if allowed is not None else ()
    return next((role for role in roles if person.holds(Role(role), review.version.model.team)), None)


def text_to_sign(review: Review, role: str, digest: str) -> str:
    """What whoever releases in an emergency signs, word for word; its days count from the signature."""
    allowed = review.policy.document.emergency
    assert allowed is not None  # noqa: S101 - the permission refused it otherwise
    return _(
        "As %(role)s I release %(version)s to %(environment)s in an emergency, before every signature is given. Counted from "
        "this signature, it may run for %(valid)s; its review is due within %(due)s. What I release is named by %(digest)s."
    ) % {
        "role": str(Role(role).label).lower(),
        "version": review.version,
        "environment": label_of(review.environment).lower(),
        "valid": _days(allowed.valid_days),
        "due": _days(allowed.review_within_days),
        "digest": digest,
    }


def _days(number: int) -> str:
    return ngettext("%(n)d day", "%(n)d days", number) % {"n": number}


def _moment(at: Any) -> str:
    return date_format(localtime(at), "j M Y H:i e")
