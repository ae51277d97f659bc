"""How far the log was mailed, which mails were sent, and which of them a person wants."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class MailKind(models.TextChoices):
    ASSIGNMENT = "assignment", _("A review waits for my signature, or a delegation for my answer")
    REMINDER = "reminder", _("An approval of mine soon ends")
    ESCALATION = "escalation", _("A review is overdue and was put before me")
    DECISION = "decision", _("A review of mine was decided, its approval ran out, or a delegation of mine was answered or ended")


class MailPlace(models.Model):
    """The next place in the log to look at. One row: the worker's own bookkeeping, written outside acts."""

    cursor = models.PositiveBigIntegerField()
    leased_until = models.DateTimeField(null=True)  # a worker is at it

    def __str__(self) -> str:
        return str(self.cursor)


class Mail(models.Model):
    """One mail to one person, written down before it is sent: whatever happens afterwards, it is not sent twice."""

    person = models.UUIDField()  # pseudonym; the address is read when it is sent and kept nowhere else
    kind = models.CharField(max_length=12, choices=MailKind.choices)
    about = models.CharField(max_length=64)  # the review that asks, else the entry of the log that is told of
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "kind", "about"], name="one_mail_of_a_kind_about_a_thing")]

    def __str__(self) -> str:
        return self.get_kind_display()


class MailWish(models.Model):
    """Which mails a person wants; without a row all of them."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mail_wish")
    kinds = ArrayField(models.CharField(max_length=12, choices=MailKind.choices), default=list, blank=True)

    def __str__(self) -> str:
        return ", ".join(self.kinds)
