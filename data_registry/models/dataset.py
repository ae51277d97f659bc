"""A dataset: a name under which versions of the same data stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership
from accounts.roles import Role
from accounts.visibility import teams_visible_to
from core.clock import now
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person


# Whoever trains registers what it was trained on; validators register what they test with.
KEEPERS = frozenset({Role.DATA_SCIENTIST, Role.VALIDATOR})


def kept_by(person: Person, *, team: str) -> models.Q:
    """Rows whose team (the path `team`) the person keeps data for: the reading side of `permissions.can_change`."""
    held = Membership.objects.filter(person=person, person__is_active=True, role__in=KEEPERS)
    return models.Q(models.Exists(held.filter(team=models.OuterRef(team)))) | models.Q(models.Exists(held.filter(team=None)))


class DatasetQuerySet(models.QuerySet["Dataset"]):
    def visible_to(self, person: Person) -> DatasetQuerySet:
        """Datasets of the teams whose content the person may see."""
        return self.filter(team__in=teams_visible_to(person))

    def changeable_by(self, person: Person) -> DatasetQuerySet:
        """Datasets to which the person may add versions."""
        return self.filter(kept_by(person, team="team"))


class Dataset(models.Model):
    ledger_label = "dataset"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="datasets")
    name = models.CharField(_("name"), max_length=120)
    description = models.TextField(_("description"), blank=True, max_length=10_000)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_dataset_of_a_name_in_a_team")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("data_registry:dataset", kwargs={"pk": self.pk})
