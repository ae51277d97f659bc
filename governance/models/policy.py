"""What a risk tier demands, fixed by number: a published policy never changes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.ids import uuid7
from models_registry.models import RiskTier


class Environment(models.TextChoices):
    STAGING = "staging", _("Staging")
    PRODUCTION = "production", _("Production")


class Policy(models.Model):
    """What a risk tier demands: who signs, which suite, which thresholds, what monitoring does. Published, it never changes."""

    ledger_label = "policy"

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    risk_tier = models.CharField(max_length=8, choices=RiskTier.choices)
    body = models.JSONField()  # see governance.policies
    digest = models.CharField(max_length=71)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["name", "number"], name="policy_numbers_are_unique_in_a_name"),
            models.CheckConstraint(condition=Q(state__in=["draft", "published"]), name="policy_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"
