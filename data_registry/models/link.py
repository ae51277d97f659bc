"""How one dataset version came from another: the edges of lineage. Added, never changed or removed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.clock import now
from core.ids import uuid7


class Link(models.Model):
    """`from_version` is derived from, labelled by or split from `to_version`: what is known of `to_version` reaches it."""

    class Kind(models.TextChoices):
        DERIVED_FROM = "derived_from", _("derived from")
        LABELLED_BY = "labelled_by", _("labelled by")
        SPLIT_FROM = "split_from", _("split from")

    ledger_label = "dataset_link"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    from_version = models.ForeignKey("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="links_up")
    kind = models.CharField(max_length=12, choices=Kind)
    to_version = models.ForeignKey("data_registry.DatasetVersion", on_delete=models.PROTECT, related_name="links_down")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["from_version", "kind", "to_version"], name="one_link_of_a_kind_between_versions"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["derived_from", "labelled_by", "split_from"]), name="dataset_link_kind_is_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(from_version=models.F("to_version")), name="no_dataset_version_comes_from_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_version} {self.kind} {self.to_version}"
