"""How the risk tier of a model was found: answers by a method, a score, and who put it into force."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _text
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.ids import uuid7
from ledger.models import PrivateValue
from models_registry.models import RiskTier

if TYPE_CHECKING:
    from accounts.models import Person


class AssessmentQuerySet(models.QuerySet["RiskAssessment"]):
    def visible_to(self, person: Person) -> AssessmentQuerySet:
        return self.filter(model__team__in=teams_visible_to(person))

    def active(self) -> AssessmentQuerySet:
        return self.filter(state=RiskAssessment.State.ACTIVE)

    def with_parts(self) -> AssessmentQuerySet:
        return self.select_related("model__team", "author", "activated_by")


class RiskAssessment(models.Model):
    """Answers are never edited: another assessment stands beside. One of a model is active, and says its tier."""

    ledger_label = "risk_assessment"

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACTIVE = "active", _("Active")
        ARCHIVED = "archived", _("Archived")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey("models_registry.RegisteredModel", on_delete=models.PROTECT, related_name="assessments")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT)
    method_version = models.PositiveIntegerField()
    method_digest = models.CharField(max_length=71)
    levels = models.JSONField()  # {factor: 0 to 3}
    uses = models.JSONField()  # {law: its listed use, or ""}
    categories = models.JSONField()  # of specially protected personal data that reached the model when it was filled in
    score = models.PositiveSmallIntegerField()  # of 100
    assessed_tier = models.CharField(max_length=8, choices=RiskTier.choices)  # by the method alone
    minimum_tier = models.CharField(max_length=8, choices=RiskTier.choices, blank=True)  # by the law; "": none
    tier = models.CharField(max_length=8, choices=RiskTier.choices)  # what results, an override included
    overridden = models.BooleanField(default=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assessments_made")
    created_at = models.DateTimeField()
    made_event = models.UUIDField()  # its private part holds the reasons
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="assessments_activated"
    )
    activated_at = models.DateTimeField(null=True)
    activation_event = models.UUIDField(null=True)  # its private part holds the reason of an override
    archived_at = models.DateTimeField(null=True)

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="assessment_numbers_are_unique_in_a_model"),
            models.UniqueConstraint(fields=["model"], condition=Q(state="active"), name="one_active_assessment_of_a_model"),
            models.UniqueConstraint(fields=["model"], condition=Q(state="draft"), name="one_draft_assessment_of_a_model"),
            models.CheckConstraint(condition=Q(state__in=["draft", "active", "archived"]), name="assessment_state_is_known"),
        ]

    def __str__(self) -> str:
        return _text("Risk assessment %(number)s of %(model)s") % {"number": self.number, "model": self.model.name}

    def get_absolute_url(self) -> str:
        return reverse("governance:assessment", args=[self.pk])

    @property
    def reasons(self) -> dict[str, str]:
        """Why each answer was given; empty once the author is erased."""
        kept = PrivateValue.objects.filter(event_id=self.made_event, path="reasons").values_list("value", flat=True).first()
        return json.loads(kept) if kept else {}

    @property
    def override_reason(self) -> str:
        """Why the tier differs from the result; empty where it does not, or once whoever wrote it is erased."""
        if self.activation_event is None:
            return ""
        rows = PrivateValue.objects.filter(event_id=self.activation_event, path="reason")
        return rows.values_list("value", flat=True).first() or ""
