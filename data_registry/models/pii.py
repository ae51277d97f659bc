"""What was found or said about personal data in a dataset version. Added, never changed: a later review stands beside it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.clock import now
from core.ids import uuid7
from ledger.models import PrivateValue


class PiiFindingQuerySet(models.QuerySet["PiiFinding"]):
    def with_notes(self) -> PiiFindingQuerySet:
        """With the notes of people, in the same query."""
        return self.annotate(_note=_note())

    def newest_first(self) -> PiiFindingQuerySet:
        return self.order_by("-created_at", "-id")


def _note() -> models.Subquery:
    """A note may name people, so its text lies where it can be erased; the finding, which stays for ever, only points there."""
    notes = PrivateValue.objects.filter(event_id=models.OuterRef("note_event"), path="note")
    return models.Subquery(notes.values("value")[:1])


class PiiFinding(models.Model):
    class Category(models.TextChoices):
        """One vocabulary inside; the standards' own terms are made from it at export."""

        DIRECT_IDENTIFIER = "direct_identifier", _("direct identifier")
        CONTACT = "contact", _("contact")
        GOVERNMENT_ID = "government_id", _("government identifier")
        FINANCIAL = "financial", _("financial")
        PAYMENT_CARD = "payment_card", _("payment card")
        HEALTH = "health", _("health")
        BIOMETRIC = "biometric_identification", _("biometric identification")
        GENETIC = "genetic", _("genetic")
        RACIAL_ETHNIC = "racial_ethnic", _("racial or ethnic origin")
        POLITICAL = "political", _("political opinion")
        RELIGIOUS = "religious_philosophical", _("religious or philosophical belief")
        UNION = "union_membership", _("union membership")
        SEX_LIFE = "sex_life_orientation", _("sex life or orientation")
        CRIMINAL = "criminal_record", _("criminal record")
        LOCATION = "location", _("location")
        CHILD = "child_data", _("data of children")
        BEHAVIOURAL = "behavioural_profile", _("behaviour or profile")
        PSEUDONYMISED = "pseudonymised", _("pseudonymised")
        ANONYMISED = "anonymised", _("anonymised")
        SYNTHETIC = "synthetic", _("synthetic")

    class Present(models.TextChoices):
        YES = "yes", _("yes")
        NO = "no", _("no")
        UNKNOWN = "unknown", _("unknown")

    class Basis(models.TextChoices):
        DECLARED = "declared", _("declared")  # by whoever registered or knows the data
        SCANNED = "scanned", _("found by a scan")
        REVIEWED = "reviewed", _("reviewed")  # by a data protection officer: alone may overrule an earlier yes

    ledger_label = "pii_finding"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset_version = models.ForeignKey("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="pii_findings")
    column = models.CharField(max_length=200, blank=True)  # empty: the data as a whole
    category = models.CharField(max_length=32, choices=Category)
    kind = models.CharField(max_length=40, blank=True)  # what exactly: email, phone, iban, kr_rrn...; empty when declared
    present = models.CharField(max_length=8, choices=Present)
    basis = models.CharField(max_length=8, choices=Basis)
    evaluated_by = models.CharField(max_length=120)  # tool and version, or "person"
    matched = models.BigIntegerField(null=True, blank=True)  # cells; null when nobody counted
    scanned = models.BigIntegerField(null=True, blank=True)
    note_event = models.UUIDField(null=True, editable=False)  # the event that holds the note
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = PiiFindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(present__in=["yes", "no", "unknown"]), name="pii_present_is_known"),
            models.CheckConstraint(condition=models.Q(basis__in=["declared", "scanned", "reviewed"]), name="pii_basis_is_known"),
        ]
        indexes = [models.Index(fields=["dataset_version", "column", "category"], name="pii_by_version")]

    def __str__(self) -> str:
        return f"{self.category} {self.present}"

    @property
    def note(self) -> str:
        """What whoever recorded it added in words; empty once erased."""
        if "_note" not in self.__dict__:
            self._note = PiiFinding.objects.filter(pk=self.pk).values_list(_note(), flat=True).first()
        return self._note or ""
