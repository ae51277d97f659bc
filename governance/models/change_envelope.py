"""What people agreed, once, may change by itself; their signatures on it; what was decided by it about each version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from accounts.visibility import teams_visible_to
from core import clock
from core.ids import uuid7
from governance.models.environment import EnvironmentField
from governance.models.policy import Policy
from governance.models.review import Review

if TYPE_CHECKING:
    from accounts.models import Person


class EnvelopeQuerySet(models.QuerySet["ChangeEnvelope"]):
    def visible_to(self, person: Person) -> EnvelopeQuerySet:
        return self.filter(model__team__in=teams_visible_to(person))

    def with_parts(self) -> EnvelopeQuerySet:
        return self.select_related("model__team", "model__owner", "baseline__model__team", "policy", "drafted_by")

    def standing(self) -> EnvelopeQuerySet:
        """Those under which versions may be released now, as far as the row itself says."""
        return self.filter(state=ChangeEnvelope.State.ACTIVE, expires_at__gt=clock.now())

    def signable_by(self, person: Person) -> EnvelopeQuerySet:
        """Those that wait for a signature which `person` may give: the list form of `can_sign_envelope`."""
        if not person.is_active or person.holds_anywhere(Role.ADMINISTRATOR):
            return self.none()
        mine = Membership.objects.filter(person=person, role=OuterRef("role"))
        there = Q(team=OuterRef("envelope__model__team"))
        beside = EnvelopeSignature.objects.filter(envelope=OuterRef("envelope"), role=OuterRef("role"))
        same_team = Q(Exists(mine.filter(there)), Exists(beside.exclude(team=None))) | Q(
            ~Exists(mine.filter(there)), Exists(beside.filter(team=None))
        )
        earlier = EnvelopeStep.objects.waiting().filter(envelope=OuterRef("envelope"), order__lt=OuterRef("order"))
        steps = EnvelopeStep.objects.waiting().filter(Exists(mine.filter(Q(team=None) | there)), ~Exists(earlier))
        steps = steps.exclude(Q(distinct_teams=True) & same_team).filter(envelope=OuterRef("pk"))
        signed = EnvelopeSignature.objects.filter(envelope=OuterRef("pk"), person=person.pk)
        rows = self.filter(Exists(steps), ~Exists(signed), state=ChangeEnvelope.State.PROPOSED, expires_at__gt=clock.now())
        rows = rows.exclude(barred__contains=[person.pk]).exclude(model__owner=person)
        return rows.exclude(policy__authors__contains=[person.pk], policy__authors_sign_from__gt=clock.now())


class ChangeEnvelope(models.Model):
    """The limits within which retrained versions of a model are approved and released by themselves, against one baseline."""

    ledger_label = "change_envelope"

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Waiting for signatures")
        ACTIVE = "active", _("Active")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey("models_registry.RegisteredModel", on_delete=models.PROTECT, related_name="change_envelopes")
    number = models.PositiveIntegerField()
    environment = EnvironmentField()
    baseline = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="change_envelopes")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="change_envelopes")
    body = models.JSONField()  # what is signed; docs/reference/change-envelope-format.md
    digest = models.CharField(max_length=71)  # of the body as canonical JSON
    state = models.CharField(max_length=12, choices=State.choices, default=State.PROPOSED)
    barred = ArrayField(models.UUIDField(), default=list)  # pseudonyms: who drafted it and whose work the baseline is
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="change_envelopes_drafted")
    drafted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = EnvelopeQuerySet.as_manager()

    class Meta:
        ordering = ["-drafted_at"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="change_envelope_numbers_are_unique_in_a_model"),
            models.UniqueConstraint(
                fields=["model", "environment"], condition=Q(state="active"), name="one_active_change_envelope_in_an_environment"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "active", "withdrawn", "revoked", "expired"]),
                name="change_envelope_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return _("Change envelope %(number)s of %(model)s") % {"number": self.number, "model": self.model.name}

    def get_absolute_url(self) -> str:
        return reverse("governance:change_envelope", args=[self.pk])

    @property
    def limits(self) -> dict[str, Any]:
        return dict(self.body["limits"])

    @property
    def has_run_out(self) -> bool:
        return clock.now() >= self.expires_at


class EnvelopeStepQuerySet(models.QuerySet["EnvelopeStep"]):
    def waiting(self) -> EnvelopeStepQuerySet:
        """Steps that apply and whose quorum is not yet reached."""
        given = (
            EnvelopeSignature.objects.filter(envelope=OuterRef("envelope"), role=OuterRef("role"))
            .order_by()
            .values("envelope")
            .annotate(people=Count("person", distinct=True))
            .values("people")
        )
        return self.filter(applies=True).annotate(given=Coalesce(given, 0)).filter(given__lt=F("quorum"))


class EnvelopeStep(models.Model):
    """One step of the policy as it applies to this envelope: whose signature, how many, in which order."""

    envelope = models.ForeignKey(ChangeEnvelope, on_delete=models.PROTECT, related_name="steps")
    order = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=32, choices=Role.choices)
    meaning = models.CharField(max_length=24)
    quorum = models.PositiveSmallIntegerField()
    applies = models.BooleanField()
    because = models.CharField(max_length=300)
    distinct_teams = models.BooleanField(default=False)

    objects = EnvelopeStepQuerySet.as_manager()

    class Meta:
        ordering = ["order", "pk"]
        constraints = [models.UniqueConstraint(fields=["envelope", "role"], name="one_step_of_a_role_in_a_change_envelope")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} × {self.quorum}"


class EnvelopeSignature(models.Model):
    """One person's signature on exactly the body of an envelope. The database refuses any change."""

    ledger_label = "change_envelope_signature"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    envelope = models.ForeignKey(ChangeEnvelope, on_delete=models.PROTECT, related_name="signatures")
    person = models.UUIDField(db_index=True)  # pseudonym: no foreign key, so that a person can be erased and the row stays
    role = models.CharField(max_length=32, choices=Role.choices)
    team = models.UUIDField(null=True)  # through which the role is held: the model's team, or (None) everywhere
    meaning = models.CharField(max_length=24)
    digest = models.CharField(max_length=71)
    proof = models.JSONField()
    signed_at = models.DateTimeField()
    event = models.UUIDField()
    record = models.JSONField()  # DSSE: an in-toto Statement about the body

    class Meta:
        ordering = ["signed_at"]
        constraints = [models.UniqueConstraint(fields=["envelope", "person"], name="one_signature_of_a_person_on_an_envelope")]

    def __str__(self) -> str:
        return f"{self.envelope}: {self.get_role_display()}"


class DecisionQuerySet(models.QuerySet["EnvelopeDecision"]):
    def inside(self) -> DecisionQuerySet:
        return self.filter(inside=True)


class EnvelopeDecision(models.Model):
    """Whether one version lay within an envelope, limit by limit with its figures. The database refuses any change."""

    ledger_label = "change_envelope_decision"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    envelope = models.ForeignKey(ChangeEnvelope, on_delete=models.PROTECT, related_name="decisions")
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="envelope_decisions")
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="envelope_decisions")
    inside = models.BooleanField()
    pinned = models.CharField(max_length=71)  # digest of the version's statement as it stood: what the approval stands for
    body = models.JSONField()  # envelope, pins and every limit
    digest = models.CharField(max_length=71)  # of the body
    decided_at = models.DateTimeField()

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-decided_at"]
        constraints = [
            models.UniqueConstraint(fields=["envelope", "review"], name="an_envelope_decides_a_review_once"),
            models.UniqueConstraint(fields=["version"], condition=Q(inside=True), name="a_version_is_inside_once"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.envelope}"

    @property
    def limits(self) -> list[dict[str, Any]]:
        return list(self.body["limits"])

    @property
    def passed(self) -> list[dict[str, Any]]:
        """The limits that were passed or could not be assessed."""
        return [one for one in self.limits if one["outcome"] != "met"]
