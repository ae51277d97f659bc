"""A signing role that one person lends another: in writing, for a stated time, once the other has accepted."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from core import clock
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person

# A holiday, an illness, a project elsewhere. Whoever is away for longer no longer holds the role in truth: then an administrator
# gives it to somebody else, in the open.
MOST_DAYS = 90


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def visible_to(self, person: Person) -> DelegationQuerySet:
        """One's own, given and received; for an auditor of the whole site all, for that of a team the team's."""
        if not person.is_authenticated or not person.is_active:
            return self.none()
        if person.holds(Role.AUDITOR):
            return self
        audited = Membership.objects.filter(person=person, role=Role.AUDITOR).values("team")
        return self.filter(Q(delegator=person) | Q(delegate=person) | Q(team__in=audited))

    def with_parts(self) -> DelegationQuerySet:
        return self.select_related("delegator", "delegate", "team", "ended_by")

    def pending(self) -> DelegationQuerySet:
        """Offered, and not yet past their last day."""
        return self.filter(state=Delegation.State.OFFERED, ends_on__gte=clock.today())

    def in_force(self) -> DelegationQuerySet:
        today = clock.today()
        return self.filter(state=Delegation.State.ACCEPTED, starts_on__lte=today, ends_on__gte=today)

    def over(self) -> DelegationQuerySet:
        """Past their last day, before anybody recorded it."""
        return self.filter(state__in=Delegation.ALIVE, ends_on__lt=clock.today())


class Delegation(models.Model):
    """`delegate` may sign reviews in `role`, in `team` or (None) wherever the delegator holds it, on behalf of `delegator`."""

    ledger_label = "delegation"

    class State(models.TextChoices):
        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        ENDED = "ended", _("Ended")
        EXPIRED = "expired", _("Expired")

    ALIVE = (State.OFFERED, State.ACCEPTED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    delegator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_given")
    delegate = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="delegations_received")
    role = models.CharField(max_length=32, choices=Role.choices)
    team = models.ForeignKey("accounts.Team", null=True, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField(max_length=4000, blank=True)  # blank once erased
    starts_on = models.DateField()  # days in UTC, the first and the last of them included
    ends_on = models.DateField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.OFFERED)
    offered_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-offered_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["offered", "accepted", "declined", "ended", "expired"]), name="delegation_state_is_known"
            ),
            models.CheckConstraint(condition=~Q(delegator=F("delegate")), name="delegation_is_to_somebody_else"),
            models.CheckConstraint(condition=Q(starts_on__lte=F("ends_on")), name="delegation_has_an_end"),
        ]
        indexes = [models.Index(fields=["delegate", "state"], name="delegation_received")]

    def __str__(self) -> str:
        return _now("Delegation of %(day)s") % {"day": self.day.isoformat()}

    def get_absolute_url(self) -> str:
        return reverse("governance:delegation", args=[self.pk])

    @property
    def day(self) -> date:
        """The day on which it was written, by which signatures name it."""
        return self.offered_at.date()

    @property
    def is_in_force(self) -> bool:
        return self.state == self.State.ACCEPTED and self.starts_on <= clock.today() <= self.ends_on

    @property
    def shown_state(self) -> str:
        """As computed at this moment: what is past its last day is expired before anybody recorded it."""
        if self.state in self.ALIVE and self.ends_on < clock.today():
            return self.State.EXPIRED
        if self.state == self.State.ACCEPTED:
            return "in_force" if self.is_in_force else "to_come"
        return self.state
