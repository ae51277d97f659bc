"""Which mails tell of a delegation: the offer to whom it is made, the answer and the end to the other side."""

from __future__ import annotations

from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Person, Role
from governance.models import Delegation, MailKind
from ledger.models import Entry

TYPES = ("delegation.offered", "delegation.accepted", "delegation.declined", "delegation.ended")


def told_of(entry: Entry) -> tuple[Delegation, Person, MailKind, str, str] | None:
    """The delegation, who is told, the kind of the mail, its subject and what it says."""
    row = Delegation.objects.with_parts().filter(pk=UUID(entry.subject_id)).first()
    if row is None:
        return None
    other = row.delegator if entry.actor_id == str(row.delegate_id) else row.delegate
    words = {"role": str(Role(row.role).label).lower(), "first": row.starts_on.isoformat(), "last": row.ends_on.isoformat()}
    if entry.type == "delegation.offered":
        says = _("You are asked to sign reviews as %(role)s on behalf of somebody else, from %(first)s to %(last)s (UTC).")
        says += " " + _("It counts once you accept it.")
        return row, other, MailKind.ASSIGNMENT, _("A delegation waits for your answer"), says % words
    sentences = {
        "delegation.accepted": _("Your delegation of the role %(role)s, from %(first)s to %(last)s (UTC), was accepted."),
        "delegation.declined": _("Your delegation of the role %(role)s, from %(first)s to %(last)s (UTC), was declined."),
        "delegation.ended": _("A delegation of the role %(role)s, from %(first)s to %(last)s (UTC), was ended."),
    }
    subjects = {
        "delegation.accepted": _("Your delegation was accepted"),
        "delegation.declined": _("Your delegation was declined"),
        "delegation.ended": _("A delegation was ended"),
    }
    return row, other, MailKind.DECISION, subjects[entry.type], sentences[entry.type] % words
