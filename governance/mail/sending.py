"""The log is the outbox: one place goes along it, and each mail is written down before it is sent.

At most once: a worker that dies between writing down and sending has lost that one mail, and the inbox still shows what it was
about. A mail server that cannot be reached is asked again later, from the same entry on.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import translation

from core import clock
from governance.mail.telling import TYPES, Letter, letters_of
from governance.models.mail import Mail, MailPlace
from ledger.models import Leaf, Tree

log = logging.getLogger(__name__)
AT_ONCE = 20  # entries that one turn tells of
LOOKED_AT = 500  # entries of the log that one turn looks at
LEASE = timedelta(minutes=30)  # longer than one turn can take
TEMPORARY = 500  # what a mail server answers below this, it may answer otherwise later


def mail_what_happened() -> None:
    """Everybody has been mailed of what happened since the last turn; where the site sends no mail, nobody ever is of that."""
    end = Tree.objects.values_list("size", flat=True).first() or 0
    place, _made = MailPlace.objects.get_or_create(pk=1, defaults={"cursor": end})
    if not settings.MAILS:
        MailPlace.objects.filter(pk=1, cursor__lt=end).update(cursor=end)
        return
    now = clock.now()
    mine = MailPlace.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), pk=1, cursor=place.cursor)
    if place.cursor < end and mine.update(leased_until=now + LEASE) == 1:
        try:
            _follow(place.cursor, end)
        finally:
            MailPlace.objects.filter(pk=1).update(leased_until=None)


def _follow(begin: int, end: int) -> None:
    until = min(end, begin + LOOKED_AT)
    places = Leaf.objects.filter(index__gte=begin, index__lt=until, event__type__in=TYPES)
    leaves = list(places.select_related("event").order_by("index")[: AT_ONCE + 1])
    for leaf in leaves[:AT_ONCE]:
        with translation.override(settings.LANGUAGE_CODE):
            sent = all(_send_once(letter) for letter in letters_of(leaf.event))
        if not sent:
            return
        MailPlace.objects.filter(pk=1).update(cursor=leaf.index + 1)
    if len(leaves) <= AT_ONCE:
        MailPlace.objects.filter(pk=1).update(cursor=until)


def _send_once(letter: Letter) -> bool:
    """Whether to go on: the mail is sent, was before, or will never be taken; false where the server is to be asked again."""
    row = Mail(person=letter.person.pk, kind=letter.kind, about=letter.about, sent_at=clock.now())
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        return True
    subject = " ".join(letter.subject.split())  # a line break would begin another header
    message = EmailMessage(subject, letter.text, settings.DEFAULT_FROM_EMAIL, [letter.person.email])
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused:
        log.warning("A mail was refused for its addressee", extra={"facts": {"person": str(letter.person.pk)}})
    except smtplib.SMTPResponseException as refusal:
        if refusal.smtp_code < TEMPORARY:
            return _try_later(row)
        log.warning("A mail was refused", extra={"facts": {"kind": letter.kind.value, "code": refusal.smtp_code}})
    except OSError:
        return _try_later(row)
    return True


def _try_later(row: Mail) -> bool:
    row.delete()
    log.warning("The mail server cannot take mails now; they are tried again")
    return False
