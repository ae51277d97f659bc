"""A group of runs that answer one question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.visibility import teams_visible_to
from core.clock import now
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    def visible_to(self, person: Person) -> ExperimentQuerySet:
        """Experiments of the teams whose content the person may see."""
        return self.filter(team__in=teams_visible_to(person))

    def shown(self) -> ExperimentQuerySet:
        return self.filter(hidden_at=None)


class Experiment(models.Model):
    """Runs of one team under one name. Hidden, it keeps its runs and can be shown again."""

    ledger_label = "experiment"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="experiments")
    name = models.CharField(_("name"), max_length=250)
    tags = models.JSONField(default=dict, blank=True)  # {name: text}
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    hidden_at = models.DateTimeField(null=True, blank=True)

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_experiment_of_a_name_in_a_team")]

    def __str__(self) -> str:
        return self.name
