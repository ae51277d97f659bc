"""A version of a dataset: a draft until its content has arrived, then fixed for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.canonical import sha256_of
from core.clock import now
from core.ids import uuid7
from data_registry.models.dataset import kept_by

if TYPE_CHECKING:
    from accounts.models import Person


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def visible_to(self, person: Person) -> DatasetVersionQuerySet:
        """Versions of the datasets that the person may see."""
        return self.filter(dataset__team__in=teams_visible_to(person))

    def changeable_by(self, person: Person) -> DatasetVersionQuerySet:
        """Versions that the person may fill, register and link."""
        return self.filter(kept_by(person, team="dataset__team"))

    def registered(self) -> DatasetVersionQuerySet:
        return self.filter(state=DatasetVersion.State.REGISTERED)

    def named(self) -> DatasetVersionQuerySet:
        """With what `str()` needs, so that a list of names costs one query."""
        return self.select_related("dataset")


class DatasetVersion(models.Model):
    """Registered content is never edited: a correction is a new version. A database trigger holds this too."""

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        REGISTERED = "registered", _("registered")

    class Format(models.TextChoices):
        SAFETENSORS = "safetensors", "safetensors"
        CSV = "csv", "CSV"
        PARQUET = "parquet", "Parquet"
        NPZ = "npz", "npz"
        IMAGES = "images", _("zip of images")
        OTHER = "other", _("another format")

    ledger_label = "dataset_version"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dataset = models.ForeignKey("data_registry.Dataset", on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=State, default=State.DRAFT)
    digest = models.CharField(max_length=71, blank=True)  # of the content; empty until it has arrived
    size = models.BigIntegerField(null=True, blank=True)  # bytes
    format = models.CharField(max_length=12, choices=Format)
    media_type = models.CharField(max_length=120, blank=True)
    rows = models.BigIntegerField(null=True, blank=True)  # as declared; what was counted stands in the profile
    columns = models.JSONField(default=list, blank=True)  # as declared: [{name, dtype, category, present}]
    location = models.JSONField(default=dict, blank=True)  # where the content stays; empty: it is held here. See locations
    provenance = models.JSONField(default=dict)  # D&TA Data Provenance Standards 1.0.0: {source, provenance, use}
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="one_dataset_version_of_a_number"),
            models.CheckConstraint(condition=models.Q(state__in=["draft", "registered"]), name="dataset_version_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(state="draft") | (models.Q(digest__startswith="sha256:") & models.Q(size__gt=0)),
                name="registered_dataset_version_has_content",
            ),
        ]
        indexes = [models.Index(fields=["digest"], name="dataset_version_by_digest")]

    def __str__(self) -> str:
        return f"{self.dataset.name} v{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("data_registry:dataset_version", kwargs={"pk": self.dataset_id, "number": self.number})

    @property
    def is_registered(self) -> bool:
        return self.state == self.State.REGISTERED

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that registration fixes, in the form that is hashed."""
        place = {"location": self.location} if self.location else {}  # versions from before places were named have none
        return {
            **place,
            "dataset": str(self.dataset_id),
            "number": self.number,
            "content": self.digest,
            "size": str(self.size),  # a string: canonical JSON holds no integer beyond 2**53 - 1
            "format": self.format,
            "media_type": self.media_type,
            "rows": None if self.rows is None else str(self.rows),
            "columns": self.columns,
            "provenance": self.provenance,
        }

    @property
    def facts_digest(self) -> str:
        """The digest that names this version with its provenance; recorded at registration."""
        return sha256_of(self.facts)
