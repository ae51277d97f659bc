"""Choosing which mails one gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from core.errors import InvalidInput
from governance import events
from governance.models.mail import MailKind, MailWish
from ledger.acts import act

if TYPE_CHECKING:
    from accounts.models import Person


def choose_mails(*, by: Person, kinds: Sequence[str]) -> MailWish:
    """`by` gets mails of exactly these kinds from now on."""
    wanted = [kind for kind in MailKind.values if kind in kinds]
    if set(kinds) - set(MailKind.values):
        raise InvalidInput(_("Choose among: %(kinds)s.") % {"kinds": ", ".join(MailKind.values)}, field="kinds", code="kinds")
    with act(by) as this:
        wish, _made = MailWish.objects.update_or_create(person=by, defaults={"kinds": wanted})
        this.record(events.MailChosen(kinds=wanted), on=by)
    return wish


def chosen(person: Person) -> list[str]:
    wish = MailWish.objects.filter(person=person).first()
    return list(MailKind.values) if wish is None else wish.kinds
