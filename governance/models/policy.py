"""What a risk tier demands, fixed by number: a published policy never changes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from core import clock
from core.ids import uuid7
from governance.documents import FORMAT, Document, read
from models_registry.models import RiskTier

if TYPE_CHECKING:
    from accounts.models import Person


class PolicyQuerySet(models.QuerySet["Policy"]):
    def published(self) -> PolicyQuerySet:
        return self.filter(state=Policy.State.PUBLISHED)

    def visible_to(self, person: Person) -> PolicyQuerySet:
        """Published ones are everybody's to read; drafts and withdrawn ones those people's who write policies or audit them."""
        readers = {Role.COMPLIANCE_OFFICER, Role.RISK_MANAGER, Role.AUDITOR}
        return self if any(person.holds(role) for role in readers) else self.published()

    def numbered(self, name: str) -> PolicyQuerySet:
        """The published ones of this name, the newest first."""
        return self.published().filter(name=name).order_by("-number")

    def covering(self, tier: str, environment: str) -> PolicyQuerySet:
        """Those whose document is for this risk tier in this environment; of the earlier formats the row says the tier."""
        now = Q(body__format=FORMAT, body__covers__tiers__contains=[tier], body__covers__environments__contains=[environment])
        return self.filter(now | Q(risk_tier=tier, body__environments__contains=[environment]))

    def in_force(self, tier: str, environment: str) -> Policy | None:
        """Of the published policies that cover this pair the one published last."""
        return self.published().covering(tier, environment).order_by("-published_at", "-number", "-pk").first()


class Policy(models.Model):
    """What a risk tier demands: who signs, which suite, which thresholds, what monitoring does. Published, it never changes."""

    ledger_label = "policy"

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64)
    number = models.PositiveIntegerField(default=0)  # given when it is published; 0 until then
    risk_tier = models.CharField(max_length=8, choices=RiskTier.choices, blank=True)  # only of formats whose body says none
    body = models.JSONField()  # read as `document` only
    digest = models.CharField(max_length=71)
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    published_at = models.DateTimeField(null=True)
    authors = ArrayField(models.UUIDField(), default=list)  # pseudonyms of those who drafted, edited or published it
    envelope = models.JSONField(null=True)  # the signed statement of its publication; none of those that were installed
    authors_sign_from = models.DateTimeField(null=True)  # until then its authors sign nothing under it
    changed_at = models.DateTimeField(default=clock.now)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["name", "-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "number"], condition=Q(number__gt=0), name="policy_numbers_are_unique_in_a_name"
            ),
            models.CheckConstraint(condition=Q(state__in=["draft", "published", "withdrawn"]), name="policy_state_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}" if self.number else _("Draft of %(name)s") % {"name": self.name}

    def get_absolute_url(self) -> str:
        return reverse("governance:policy", args=[self.pk])

    def bars(self, person: Person) -> bool:
        """Whether `person` wrote or published it too lately to sign under it; the list form is `Review.objects.signable_by`."""
        lately = self.authors_sign_from is not None and self.authors_sign_from > clock.now()
        return lately and person.pk in self.authors

    @cached_property
    def document(self) -> Document:
        return read(self.body, name=self.name, tier=self.risk_tier)
