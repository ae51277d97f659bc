"""What the gate has certified: signed statements about a version in an environment, each kept for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core import clock
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person


class AttestationQuerySet(models.QuerySet["Attestation"]):
    def visible_to(self, person: Person) -> AttestationQuerySet:
        return self.filter(version__model__team__in=teams_visible_to(person))

    def latest_of(self, version: UUID, environment: str) -> Attestation | None:
        return self.filter(version=version, environment=environment).order_by("-number").first()

    def newest(self) -> AttestationQuerySet:
        """Of each version and environment the newest alone."""
        newer = Attestation.objects.filter(
            version=models.OuterRef("version"), environment=models.OuterRef("environment"), number__gt=models.OuterRef("number")
        )
        return self.filter(~models.Exists(newer))


class Attestation(models.Model):
    """A signed answer of the gate: that exactly these bytes may run there, or that they no longer may. Never changed."""

    ledger_label = "attestation"

    class Result(models.TextChoices):
        PASSED = "PASSED", _("Allowed")
        FAILED = "FAILED", _("Not allowed")

    # The order in which they were made, by the database: two clocks may disagree about which of two is the newer.
    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid7, editable=False)
    # Without a constraint in the database, which would lock the version's row while a release that ends is locked already.
    version = models.ForeignKey(
        "models_registry.Version", on_delete=models.PROTECT, related_name="attestations", db_constraint=False
    )
    environment = models.CharField(max_length=64)
    checkpoint = models.CharField(max_length=71)
    result = models.CharField(max_length=6, choices=Result.choices)
    basis = models.CharField(max_length=71)  # digest of what the answer rests on: while it is the same, the answer is re-used
    digest = models.CharField(max_length=71)  # of the signed payload
    envelope = models.JSONField()  # DSSE, see ledger.attesting
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)  # of an allowed answer
    holds_until = models.DateTimeField(null=True)  # when the approval itself runs out, where it does

    objects = AttestationQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=models.Q(result__in=["PASSED", "FAILED"]), name="attestation_result_is_known"),
        ]
        indexes = [
            models.Index(fields=["version", "environment", "-number"], name="attestation_latest"),
            models.Index(fields=["checkpoint", "environment"], name="attestation_of_bytes"),
            models.Index(fields=["expires_at"], name="attestation_expires"),
            models.Index(fields=["holds_until"], name="attestation_holds_until"),
        ]

    def __str__(self) -> str:
        return f"{self.result} {self.environment} {self.made_at:%Y-%m-%d %H:%M}"

    @property
    def is_current(self) -> bool:
        """Whether it allows now; that it is the latest, the caller knows."""
        return self.result == self.Result.PASSED and self.expires_at is not None and clock.now() < self.expires_at
