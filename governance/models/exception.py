"""One answer of a policy that somebody may leave unmet for a while: for which reason, and what makes up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Role
from accounts.visibility import teams_visible_to
from core import clock
from core.ids import uuid7

if TYPE_CHECKING:
    from accounts.models import Person
    from governance.models.policy import Policy
    from models_registry.models import RegisteredModel, Version


class ExceptionQuerySet(models.QuerySet["RequirementException"]):
    def visible_to(self, person: Person) -> ExceptionQuerySet:
        return self.filter(model__team__in=teams_visible_to(person))

    def with_parts(self) -> ExceptionQuerySet:
        """With what every list and page shows, so that a list costs a constant number of queries."""
        return self.select_related(
            "model__team", "version__model", "version__training_run", "policy", "requested_by", "decided_by"
        )

    def standing(self) -> ExceptionQuerySet:
        """Approved, and not yet past its last day."""
        return self.filter(state=RequirementException.State.APPROVED, expires_on__gte=clock.today())

    def for_version(self, version: Version, policy: Policy) -> ExceptionQuerySet:
        """Those of this version, or of its whole model, under exactly this policy."""
        return self.filter(Q(version=version) | Q(version=None, model=version.model_id), policy=policy)


class RequirementException(models.Model):
    """Stands in for one answer (`kind` and `subject`) about a version, or about every version of a model, under one policy."""

    ledger_label = "exception"

    class State(models.TextChoices):
        REQUESTED = "requested", _("Requested")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")
        REVOKED = "revoked", _("Revoked")
        EXPIRED = "expired", _("Expired")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey("models_registry.RegisteredModel", on_delete=models.PROTECT, related_name="exceptions")
    version = models.ForeignKey("models_registry.Version", null=True, on_delete=models.PROTECT, related_name="exceptions")
    policy = models.ForeignKey("governance.Policy", on_delete=models.PROTECT, related_name="exceptions")
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=300, blank=True)
    reason = models.TextField(_("reason"), max_length=4000, blank=True)  # blank once erased
    control = models.TextField(_("compensating control"), max_length=4000, blank=True)
    expires_on = models.DateField(_("last day"))
    state = models.CharField(max_length=12, choices=State.choices, default=State.REQUESTED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="exceptions_requested")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_as = models.CharField(max_length=32, choices=Role.choices, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(max_length=4000, blank=True)  # why it was approved or refused

    objects = ExceptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["requested", "approved", "refused", "revoked", "expired"]), name="exception_state_is_known"
            ),
        ]
        indexes = [models.Index(fields=["model", "state"], name="exception_by_model_and_state")]

    def __str__(self) -> str:
        return str(_("Exception for %(thing)s") % {"thing": self.scope})

    def get_absolute_url(self) -> str:
        return reverse("governance:exception", args=[self.pk])

    @property
    def scope(self) -> Version | RegisteredModel:
        return self.version or self.model

    @property
    def stands(self) -> bool:
        return self.state == self.State.APPROVED and self.expires_on >= clock.today()

    @property
    def shown_state(self) -> str:
        """As computed at this moment: what ran out is expired before anybody recorded it."""
        if self.state == self.State.APPROVED and not self.stands:
            return self.State.EXPIRED
        return self.state
