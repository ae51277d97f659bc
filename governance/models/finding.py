"""What somebody found wrong with a model, a version or a dataset version, who mends it, and how that was tested again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Role
from accounts.visibility import teams_visible_to
from core import clock
from core.canonical import sha256_of
from core.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from accounts.models import Person
    from data_registry.models import DatasetVersion
    from models_registry.models import RegisteredModel, Version


class FindingQuerySet(models.QuerySet["Finding"]):
    def visible_to(self, person: Person) -> FindingQuerySet:
        return self.filter(team__in=teams_visible_to(person))

    def with_parts(self) -> FindingQuerySet:
        """With what every list and page shows, so that a list costs a constant number of queries."""
        return self.select_related("team", "owner", "raised_by", "model", "version__model", "dataset_version__dataset")

    def outstanding(self) -> FindingQuerySet:
        """Neither closed nor accepted."""
        return self.filter(state__in=Finding.OUTSTANDING)

    def overdue(self) -> FindingQuerySet:
        return self.outstanding().filter(due_on__lt=clock.today())

    def concerning(self, version: Version) -> FindingQuerySet:
        """About the version itself, about its model as a whole, or about data that it names."""
        data = version.data.values("dataset_version")
        return self.filter(Q(version=version) | Q(model=version.model_id, version=None) | Q(dataset_version__in=data))

    def owned_by(self, person: Person) -> FindingQuerySet:
        """Those on which `person` has to work: the list form of `can_work`."""
        return self.filter(owner=person, state__in=(Finding.State.OPEN, Finding.State.IN_PROGRESS))

    def retestable_by(self, person: Person) -> FindingQuerySet:
        """Those that wait for a retest which `person` may do: the list form of `can_retest`."""
        if not person.is_active or person.holds_anywhere(Role.ADMINISTRATOR):
            return self.none()
        held = Membership.objects.filter(person=person, role__in=Finding.RETESTERS)
        mine = held.filter(Q(team=None) | Q(team=OuterRef("team")))
        rows = self.filter(Exists(mine), state=Finding.State.READY_FOR_RETEST).exclude(owner=person)
        return rows.exclude(contributors__contains=[person.pk])


class Finding(models.Model):
    """One thing that is wrong. Its texts are erased with whoever wrote them; what was decided stays."""

    ledger_label = "finding"

    class Severity(models.TextChoices):
        CRITICAL = "critical", _("Critical")
        HIGH = "high", _("High")
        MEDIUM = "medium", _("Medium")
        LOW = "low", _("Low")

    class Source(models.TextChoices):
        REVIEW = "review", _("Review")
        EVALUATION = "evaluation", _("Evaluation")
        MONITORING = "monitoring", _("Monitoring")
        AUDIT = "audit", _("Audit")
        INCIDENT = "incident", _("Incident")
        OTHER = "other", _("Other")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        IN_PROGRESS = "in_progress", _("In progress")
        READY_FOR_RETEST = "ready_for_retest", _("Ready for retest")
        CLOSED = "closed", _("Closed")
        ACCEPTED = "accepted", _("Risk accepted")

    OUTSTANDING = (State.OPEN, State.IN_PROGRESS, State.READY_FOR_RETEST)
    RETESTERS = (Role.VALIDATOR, Role.COMPLIANCE_OFFICER)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="findings")
    model = models.ForeignKey("models_registry.RegisteredModel", null=True, on_delete=models.PROTECT, related_name="findings")
    version = models.ForeignKey("models_registry.Version", null=True, on_delete=models.PROTECT, related_name="findings")
    dataset_version = models.ForeignKey(
        "data_registry.DatasetVersion", null=True, on_delete=models.PROTECT, related_name="findings"
    )
    reference = models.CharField(_("reference"), max_length=80, blank=True)  # its name in the system that it was imported from
    title = models.CharField(_("title"), max_length=200, blank=True)  # blank once erased
    description = models.TextField(_("description"), max_length=4000, blank=True)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="findings_owned")
    due_on = models.DateField(_("due date"))
    plan = models.TextField(_("plan"), max_length=4000, blank=True)
    planned_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    done = models.TextField(_("what was done"), max_length=4000, blank=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    retest_reason = models.TextField(max_length=4000, blank=True)  # of the last retest
    retested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    retested_at = models.DateTimeField(null=True)
    contributors = ArrayField(models.UUIDField(), default=list)  # whose work this is about: they do not retest it
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="findings_raised")
    raised_at = models.DateTimeField()

    objects = FindingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "in_progress", "ready_for_retest", "closed", "accepted"]),
                name="finding_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["critical", "high", "medium", "low"]), name="finding_severity_is_known"
            ),
            models.CheckConstraint(
                condition=Q(model__isnull=False, dataset_version=None)
                | Q(model=None, version=None, dataset_version__isnull=False),
                name="finding_is_about_one_thing",
            ),
            models.UniqueConstraint(
                fields=["team", "reference"], condition=~Q(reference=""), name="one_finding_of_a_reference_in_a_team"
            ),
        ]
        indexes = [models.Index(fields=["team", "state"], name="finding_by_team_and_state")]

    def __str__(self) -> str:
        return self.title or str(_("A finding whose text was erased"))

    def get_absolute_url(self) -> str:
        return reverse("governance:finding", args=[self.pk])

    @property
    def subject(self) -> RegisteredModel | Version | DatasetVersion:
        """What it is about."""
        found = self.version or self.model or self.dataset_version
        assert found is not None  # noqa: S101 - a constraint of the database
        return found

    @property
    def is_outstanding(self) -> bool:
        return self.state in self.OUTSTANDING

    @property
    def is_overdue(self) -> bool:
        return self.is_outstanding and self.due_on < clock.today()

    @property
    def standing(self) -> str:
        """What signatures stand on: work on an open finding changes nothing of it, its end does."""
        return "open" if self.is_outstanding else str(self.state)

    @property
    def pinned(self) -> list[str]:
        """The finding in what is signed: id, severity, and the digest of how it stands."""
        return [str(self.pk), self.severity, sha256_of([str(self.pk), self.severity, self.standing])]


def at_least(severity: str) -> list[str]:
    """This severity and the graver ones."""
    return Finding.Severity.values[: Finding.Severity.values.index(severity) + 1]


def about(thing: RegisteredModel | Version | DatasetVersion) -> dict[str, Any]:
    """The columns by which a finding is about this thing."""
    if thing.ledger_label == "version":
        return {"version": thing, "model": thing.model}  # type: ignore[union-attr]  # told by the label
    return {thing.ledger_label: thing}


def people_of(rows: Iterable[UUID | None]) -> list[UUID]:
    """Pseudonyms without gaps and repeats, in one order."""
    return sorted({one for one in rows if one is not None})
