"""Who is told what happens, at which address, and what came of each attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person


class WebhookQuerySet(models.QuerySet["Webhook"]):
    def visible_to(self, person: Person) -> WebhookQuerySet:
        """Those that `person` may manage: the list form of `can_manage_webhooks`."""
        if not person.is_active:
            return self.none()
        if person.holds_anywhere(Role.ADMINISTRATOR):
            return self
        held = Membership.objects.filter(person=person, role=Role.RISK_MANAGER)
        return self.filter(Exists(held.filter(team=None)) | Q(Exists(held.filter(team=OuterRef("team"))), team__isnull=False))


class Webhook(models.Model):
    """An address that is told of what happens in one team, or everywhere."""

    ledger_label = "webhook"

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        STOPPED = "stopped", _("Stopped")

    class Kind(models.TextChoices):
        RELEASE_MADE = "release_made", _("A version is released")
        RELEASE_ENDED = "release_ended", _("A release ends")
        SUSPENDED = "suspended", _("A version is suspended")
        APPROVAL_EXPIRED = "approval_expired", _("An approval runs out or no longer holds")
        GATE_CHANGED = "gate_changed", _("The gate's answer changes")
        POLICY_PUBLISHED = "policy_published", _("A policy is published")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, null=True, related_name="webhooks")  # none: everywhere
    url = models.CharField(max_length=500)
    kinds = ArrayField(models.CharField(max_length=20, choices=Kind.choices))
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="webhooks_made")
    made_at = models.DateTimeField()
    # What follows is the worker's own bookkeeping, not a fact about anybody: it is written outside acts.
    cursor = models.PositiveBigIntegerField()  # the next place in the log to look at
    attempts = models.PositiveSmallIntegerField(default=0)  # failed ones of the entry at the cursor
    next_at = models.DateTimeField()  # not before
    leased_until = models.DateTimeField(null=True)  # a worker is at it
    failing_since = models.DateTimeField(null=True)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [models.CheckConstraint(condition=Q(state__in=["active", "stopped"]), name="webhook_state_is_known")]

    def __str__(self) -> str:
        return self.url

    def get_absolute_url(self) -> str:
        return reverse("governance:webhook", args=[self.pk])


class Delivery(models.Model):
    """One attempt to tell an address of one entry of the log. It holds no secret and nothing that the address answered."""

    class Outcome(models.TextChoices):
        DELIVERED = "delivered", _("Delivered")
        FAILED = "failed", _("Failed, tried again later")
        GIVEN_UP = "given_up", _("Given up")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.UUIDField()  # of the log; of a test its own
    kind = models.CharField(max_length=20)  # one of Webhook.Kind, or test
    attempt = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=9, choices=Outcome.choices)
    status = models.PositiveSmallIntegerField(null=True)  # of the address's answer, where there was one
    milliseconds = models.PositiveIntegerField()
    error = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="deliveries_of_webhook"),
            models.Index(fields=["at"], name="delivery_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.outcome}"
