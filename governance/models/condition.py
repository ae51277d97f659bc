"""What an approval asks for afterwards: each condition with its owner, its date and the evidence for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Role
from accounts.visibility import teams_visible_to
from core import clock
from core.ids import uuid7
from governance.models.review import Review, SignOff

if TYPE_CHECKING:
    from accounts.models import Person


class ConditionQuerySet(models.QuerySet["Condition"]):
    def visible_to(self, person: Person) -> ConditionQuerySet:
        return self.filter(review__version__model__team__in=teams_visible_to(person))

    def unmet(self) -> ConditionQuerySet:
        return self.filter(state__in=UNMET)

    def overdue(self) -> ConditionQuerySet:
        """Unmet after the end of the day on which they were due."""
        return self.unmet().filter(due__lt=clock.today())

    def with_parts(self) -> ConditionQuerySet:
        return self.select_related("review__version__model__team", "review__policy", "owner", "sign_off")


class Condition(models.Model):
    """One condition of an approval. Whoever set it, or another of the same role, says when it is met; never its owner."""

    ledger_label = "condition"

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        REPORTED = "reported", _("Reported met")
        MET = "met", _("Met")
        MISSED = "missed", _("Missed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="conditions")
    sign_off = models.ForeignKey(SignOff, on_delete=models.PROTECT, related_name="conditions")
    number = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=32, choices=Role.choices)  # whose it is to say that it is met
    text = models.TextField(blank=True)  # blank once its author is erased, as `evidence_asked`
    evidence_asked = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="conditions_owned")
    due = models.DateField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    event = models.UUIDField()
    report = models.TextField(blank=True)  # what the owner says was done; blank once the owner is erased
    reported_at = models.DateTimeField(null=True)
    evidence_digest = models.CharField(max_length=71, blank=True)
    evidence_name = models.CharField(max_length=200, blank=True)
    evidence_size = models.PositiveBigIntegerField(default=0)
    refusal = models.TextField(blank=True)  # why the last report was not accepted; blank once its author is erased
    refused_by = models.UUIDField(null=True)
    settled_at = models.DateTimeField(null=True)

    objects = ConditionQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["review", "number"], name="condition_numbers_are_unique_in_a_review"),
            models.CheckConstraint(condition=Q(state__in=["open", "reported", "met", "missed"]), name="condition_state_is_known"),
        ]
        indexes = [models.Index(fields=["due"], condition=Q(state__in=["open", "reported"]), name="conditions_that_wait")]

    def __str__(self) -> str:
        return _("condition %(number)s") % {"number": self.number}

    @property
    def is_overdue(self) -> bool:
        return self.state == self.State.MISSED or (self.state in UNMET and self.due < clock.today())


UNMET = frozenset({Condition.State.OPEN, Condition.State.REPORTED})


class ConditionAnswer(models.Model):
    """A signature that a condition is met, or is not yet. The database refuses any change."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    condition = models.ForeignKey(Condition, on_delete=models.PROTECT, related_name="answers")
    person = models.UUIDField()  # pseudonym
    accepted = models.BooleanField()
    answered_at = models.DateTimeField()
    event = models.UUIDField()
    envelope = models.JSONField()

    class Meta:
        ordering = ["answered_at"]

    def __str__(self) -> str:
        return f"{self.condition}: {self.accepted}"
