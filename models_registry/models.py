"""What exists: models, their versions, the cards that describe them and the inspections of their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.ids import uuid7
from ledger.leases import LeasedJob

if TYPE_CHECKING:
    from accounts.models import Person

SLUG = RegexValidator(r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z", _("Use lower-case letters, digits and hyphens, at most 64."))


class RiskTier(models.TextChoices):
    LOW = "low", _("Minimal risk")
    MEDIUM = "medium", _("Limited risk")
    HIGH = "high", _("High risk")


class Task(models.TextChoices):
    MULTICLASS = "multiclass", _("Multi-class classification")
    BINARY = "binary", _("Binary classification")
    MULTILABEL = "multilabel", _("Multi-label classification")
    REGRESSION = "regression", _("Regression")
    RANKING = "ranking", _("Ranking by score")


class ModelQuerySet(models.QuerySet["RegisteredModel"]):
    def visible_to(self, person: Person) -> ModelQuerySet:
        """Models of the teams that the person belongs to (or of all, for a role held everywhere)."""
        return self.filter(team__in=teams_visible_to(person))

    def with_standing(self) -> ModelQuerySet:
        """With the number and state of the latest version, in the same query."""
        latest = Version.objects.filter(model=models.OuterRef("pk")).order_by("-number")
        return self.annotate(
            latest_number=models.Subquery(latest.values("number")[:1]),
            latest_state=models.Subquery(latest.values("state")[:1]),
            latest_id=models.Subquery(latest.values("pk")[:1]),
        )


class RegisteredModel(models.Model):
    """A model as an organisation speaks of it; its versions are what is evaluated, signed and released."""

    ledger_label = "model"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="models")
    name = models.CharField(_("name"), max_length=64, validators=[SLUG])
    task = models.CharField(_("task"), max_length=16, choices=Task.choices, blank=True)  # "": not stated, so nothing is submitted
    classes = ArrayField(models.CharField(max_length=100), default=list, blank=True)  # names in the order of the outputs
    risk_tier = models.CharField(_("risk tier"), max_length=8, choices=RiskTier.choices, blank=True)  # "": as above
    description = models.TextField(_("description"), blank=True, max_length=4000)
    tags = models.JSONField(default=dict, blank=True)  # {name: text}: labels of the team's own, which nothing is decided by
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="models_owned")
    created_at = models.DateTimeField()

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_model_of_a_name_in_a_team")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("models_registry:model", args=[self.pk])


class VersionQuerySet(models.QuerySet["Version"]):
    def visible_to(self, person: Person) -> VersionQuerySet:
        """Versions of visible models; a draft is visible to its team like everything else."""
        return self.filter(model__team__in=teams_visible_to(person))

    def of(self, model: RegisteredModel) -> VersionQuerySet:
        return self.filter(model=model).order_by("-number")

    def with_parts(self) -> VersionQuerySet:
        """With what every list and page shows, so that a list costs a constant number of queries."""
        return self.select_related("model__team", "model__owner", "submitted_by", "created_by", "inspection", "training_run")


class Version(models.Model):
    """One checkpoint with all that is said of it. `state` records the last decision; whether it may be used is computed."""

    ledger_label = "version"

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SUBMITTED = "submitted", _("Submitted")
        IN_REVIEW = "in_review", _("In review")
        APPROVED = "approved", _("Approved")
        APPROVED_WITH_CONDITIONS = "approved_with_conditions", _("Approved with conditions")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        SUSPENDED = "suspended", _("Suspended")
        RETIRED = "retired", _("Retired")

    APPROVED = frozenset({State.APPROVED, State.APPROVED_WITH_CONDITIONS})  # the last decision approved it

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=32, choices=State.choices, default=State.DRAFT)
    note = models.CharField(_("what changed"), max_length=500, blank=True)
    checkpoint_digest = models.CharField(max_length=71, blank=True, db_index=True)
    checkpoint_size = models.BigIntegerField(default=0)  # bytes
    checkpoint_name = models.CharField(max_length=255, blank=True)  # as the client called it; shown, never used as a path
    architecture = models.JSONField(null=True, blank=True)  # {"name": "small-cnn", "config": {...}} for weight-only files
    reading = models.JSONField(null=True, blank=True)  # how its data are read: models_registry.inspection.reading
    training_run = models.ForeignKey(
        "tracking.TrainingRun", null=True, blank=True, on_delete=models.PROTECT, related_name="versions"
    )
    # {uri, link, model, version, flavors}: what it was made of; `version` is the original that it was cloned from
    source = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=dict, blank=True)  # as a model's
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="versions_created")
    created_at = models.DateTimeField()
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="versions_submitted"
    )
    submitted_at = models.DateTimeField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="version_numbers_are_unique_in_a_model"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "draft",
                        "submitted",
                        "in_review",
                        "approved",
                        "approved_with_conditions",
                        "changes_requested",
                        "rejected",
                        "withdrawn",
                        "suspended",
                        "retired",
                    ]
                ),
                name="version_state_is_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"]) | ~Q(checkpoint_digest=""),
                name="a_submitted_version_has_a_checkpoint",
            ),
        ]
        indexes = [models.Index(KeyTransform("version", "source"), name="versions_by_their_original")]

    def __str__(self) -> str:
        return f"{self.model.name} v{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("models_registry:version", args=[self.pk])

    @property
    def card(self) -> ModelCard | None:
        """The latest revision of the card."""
        return self.cards.order_by("-revision").first()


class RegisteredFile(models.Model):
    """A file of the folder that was registered as this version, by digest: what is downloaded, whatever becomes of its run."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=500)
    digest = models.CharField(max_length=71)
    size = models.BigIntegerField()  # bytes

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="one_registered_file_at_a_path")]

    def __str__(self) -> str:
        return self.path


class ModelAlias(models.Model):
    """A name that the team gives to one version of a model, such as `best`. What is live has names of its own (`aliases`)."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=64)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="aliases")
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="an_alias_names_one_version_of_a_model")]

    def __str__(self) -> str:
        return f"{self.model}@{self.name}"


class ModelCard(models.Model):
    """One revision of a version's card. A change is a new revision, which makes earlier signatures stale."""

    ledger_label = "card"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="cards")
    revision = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=71)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="cards_written")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["version", "revision"], name="card_revisions_are_unique_in_a_version")]

    def __str__(self) -> str:
        return f"card r{self.revision} of {self.version}"


class VersionData(models.Model):
    """Which dataset version a model version was trained, tuned or tested on."""

    class Use(models.TextChoices):
        TRAINING = "training", _("Trained on")
        VALIDATION = "validation", _("Tuned on")
        STOPPING = "stopping", _("Stopped on")  # training ended where these rows came out best
        TESTING = "testing", _("Tested on")

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="data")
    dataset_version = models.ForeignKey("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="model_uses")
    use = models.CharField(max_length=12, choices=Use.choices)

    class Meta:
        ordering = ["use", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["version", "dataset_version", "use"], name="data_are_linked_once_for_a_use")
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_use_display()} {self.dataset_version}"


class Inspection(LeasedJob):
    """What the sandboxed inspection of a version's bytes found, before anything is evaluated."""

    ledger_label = "inspection"

    class Verdict(models.TextChoices):
        NONE = "", _("Not yet inspected")
        ACCEPTED = "accepted", _("Accepted")
        SALVAGEABLE = "salvageable", _("Only its tensors can be used")
        REFUSED = "refused", _("Refused")

    USABLE = frozenset({Verdict.ACCEPTED, Verdict.SALVAGEABLE})

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.OneToOneField(Version, on_delete=models.PROTECT, related_name="inspection")
    verdict = models.CharField(max_length=12, choices=Verdict.choices, default=Verdict.NONE, blank=True)
    format = models.CharField(max_length=40, blank=True)
    reasons = models.JSONField(default=list)  # [{"code", "member", "offset", "found", "sentence", "remedy"}]
    facts = models.JSONField(default=dict)  # {"parameters", "bytes", "tensors": [...]}
    sandbox = models.JSONField(default=dict)  # the evidence that the sandbox gives of itself

    def __str__(self) -> str:
        return f"inspection of {self.version}"

    @property
    def is_usable(self) -> bool:
        """Whether the version may go on to its evaluation: its weights were had, even if that is all that was had."""
        return self.state == self.State.COMPLETED and self.verdict in self.USABLE
