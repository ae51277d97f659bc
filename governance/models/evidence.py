"""Files that people bring as evidence: an impact assessment, a contract, a vote of an ethics board."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core import clock
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person
    from models_registry.models import Version

KIND = re.compile(r"[a-z][a-z0-9_]{1,39}\Z")
SOON = timedelta(days=30)  # a page warns this long before a file runs out


class EvidenceKind(models.TextChoices):
    """The kinds that have a name here; a policy may ask for others by a name of its own."""

    DPIA = "dpia", _("Data protection impact assessment")
    RIGHTS = "rights_assessment", _("Fundamental rights impact assessment")
    LEGAL_BASIS = "legal_basis", _("Legal basis of the data")
    CONTRACT = "contract", _("Contract")
    ETHICS = "ethics_approval", _("Ethics approval")
    SECURITY = "security_test", _("Security test")
    INSTRUCTIONS = "instructions", _("Instructions for use")
    INCIDENT_PLAN = "incident_plan", _("Plan for incidents")


def kind_words(kind: str) -> str:
    """The kind as people call it."""
    return str(EvidenceKind(kind).label) if kind in EvidenceKind.values else kind.replace("_", " ").capitalize()


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    def visible_to(self, person: Person) -> EvidenceQuerySet:
        return self.filter(model__team__in=teams_visible_to(person))

    def current(self) -> EvidenceQuerySet:
        return self.filter(state=Evidence.State.CURRENT)

    def about(self, version: Version) -> EvidenceQuerySet:
        """What was brought for this version, or for its model as a whole."""
        return self.filter(Q(version=version) | Q(version=None, model=version.model_id))

    def with_parts(self) -> EvidenceQuerySet:
        return self.select_related("model__team", "version__model", "owner", "uploaded_by")


class Evidence(models.Model):
    """One file of a kind, of a model or of one version of it. A newer one takes its place; no file is lost."""

    ledger_label = "evidence"

    class State(models.TextChoices):
        CURRENT = "current", _("Current")
        SUPERSEDED = "superseded", _("Superseded")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey("models_registry.RegisteredModel", on_delete=models.PROTECT, related_name="evidence")
    version = models.ForeignKey("models_registry.Version", null=True, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200, blank=True)
    file_name = models.CharField(max_length=255, blank=True)  # as the client called it; shown, never used as a path
    digest = models.CharField(max_length=71)
    size = models.BigIntegerField()  # bytes
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="evidence_owned")
    valid_from = models.DateField()
    valid_until = models.DateField(null=True)  # the last day; none: until another takes its place
    state = models.CharField(max_length=12, choices=State.choices, default=State.CURRENT)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="evidence_uploaded")
    uploaded_at = models.DateTimeField()
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="evidence_ended")
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True)  # why it was withdrawn

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "kind"],
                condition=Q(state="current", version=None),
                name="one_current_file_of_a_kind_for_a_model",
            ),
            models.UniqueConstraint(
                fields=["version", "kind"], condition=Q(state="current"), name="one_current_file_of_a_kind_for_a_version"
            ),
            models.CheckConstraint(condition=Q(state__in=["current", "superseded", "withdrawn"]), name="evidence_state_is_known"),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_until__gte=models.F("valid_from")), name="evidence_ends_after_it_begins"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.kind_words

    def get_absolute_url(self) -> str:
        return reverse("governance:evidence", args=[self.model_id])

    @property
    def kind_words(self) -> str:
        return kind_words(self.kind)

    def is_valid_on(self, day: date) -> bool:
        """Whether the file counts on that day."""
        begun = self.state == self.State.CURRENT and self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)

    @property
    def standing(self) -> str:
        """How it stands today: valid, expiring, expired, upcoming, superseded or withdrawn."""
        if self.state != self.State.CURRENT:
            return str(self.state)
        today = clock.today()
        if self.is_valid_on(today):
            return "expiring" if self.valid_until and self.valid_until - today <= SOON else "valid"
        return "upcoming" if today < self.valid_from else "expired"
