"""Reports, composed from the log and the records and signed by a worker; and the checks that recompute the whole log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.visibility import teams_visible_to
from core.ids import uuid7
from governance.models import PRODUCTION, EnvironmentField
from ledger.leases import LeasedJob

if TYPE_CHECKING:
    from accounts.models import Person


class ReportQuerySet(models.QuerySet["Report"]):
    def visible_to(self, person: Person) -> ReportQuerySet:
        """Reports about versions that the person sees: a report says nothing that their pages do not."""
        return self.filter(version__model__team__in=teams_visible_to(person))

    def with_parts(self) -> ReportQuerySet:
        return self.select_related("version__model__team", "requested_by")


class Report(LeasedJob):
    """An audit report of one version: its content, the log position it stands on, and the signed PDF."""

    ledger_label = "report"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("models_registry.Version", on_delete=models.PROTECT, related_name="reports")
    environment = EnvironmentField(default=PRODUCTION)
    title = models.CharField(max_length=200)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reports_requested")
    outcome = models.CharField(max_length=32, blank=True)  # the decision that the report states
    content_digest = models.CharField(max_length=71, blank=True)  # of report.json, in the log before the log was sealed
    log_size = models.BigIntegerField(null=True)  # entries under the seal that the report carries
    pdf_digest = models.CharField(max_length=71, blank=True)
    pdf_size = models.BigIntegerField(default=0)  # bytes
    pages = models.PositiveIntegerField(default=0)
    files = models.JSONField(default=dict)  # attachments: name -> {"sha256", "size"}
    verification = models.JSONField(default=list)  # what the offline verifier said before the report was given out
    progress = models.JSONField(default=dict)  # {"done", "total", "step"}

    objects = ReportQuerySet.as_manager()

    class Meta(LeasedJob.Meta):
        ordering = ["-queued_at"]
        constraints = [
            *LeasedJob.Meta.constraints,
            models.CheckConstraint(condition=~Q(state="completed") | ~Q(pdf_digest=""), name="a_completed_report_has_its_file"),
        ]
        indexes = [models.Index(fields=["pdf_digest"], name="report_by_pdf_digest")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("audit:report", args=[self.pk])

    @property
    def file_name(self) -> str:
        """What the PDF is called when it is saved."""
        return f"audit-report-{self.version.model.name}-v{self.version.number}-{str(self.pk)[:13]}.pdf"


class IntegrityCheck(LeasedJob):
    """One recomputation of the whole log from its bodies: whether it holds, up to which entry, or what the first damage is."""

    ledger_label = "integrity_check"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    holds = models.BooleanField(null=True)  # null until it is done
    size = models.BigIntegerField(default=0)  # entries recomputed
    sentence = models.TextField(blank=True)
    entry = models.BigIntegerField(null=True)  # where the first damage is, if it is in an entry

    class Meta(LeasedJob.Meta):
        ordering = ["-queued_at"]

    def __str__(self) -> str:
        return self.sentence or self.get_state_display()
