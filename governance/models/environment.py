"""Where a version may be live, and how strictly a release there asks for an approval."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

STAGING, PRODUCTION = "staging", "production"
STANDARD = {STAGING: _("Staging"), PRODUCTION: _("Production")}  # every site has them
_OWN_NAMES: dict[str, str] = {}  # an environment is never renamed, so a name that was read once holds


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def open(self) -> EnvironmentQuerySet:
        """Those that are not retired, in the order in which they are shown."""
        return self.filter(retired_at=None)


class Environment(models.Model):
    """A place where one version of each model is live at a time. Other rows name it by its slug, which never changes."""

    ledger_label = "environment"

    class Mode(models.TextChoices):
        PREVENT = "prevent", _("Prevent")
        WARN = "warn", _("Warn")
        RECORD = "record", _("Record")

    slug = models.CharField(max_length=32, primary_key=True, validators=[RegexValidator(r"\A[a-z][a-z0-9-]*\Z")])
    name = models.CharField(max_length=64)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.PREVENT)
    order = models.PositiveSmallIntegerField(default=100)
    retired_at = models.DateTimeField(null=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["order", "slug"]
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=["prevent", "warn", "record"]), name="environment_mode_is_known")
        ]

    def __str__(self) -> str:
        return str(STANDARD.get(self.slug, self.name))


class EnvironmentField(models.CharField):
    """The slug of an environment; the row answers `get_environment_display` with its name, as a field with choices does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_length": 32, **options})

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, f"get_{name}_display", lambda row: label_of(getattr(row, name)))


def label_of(slug: str) -> str:
    """The name by which people know the environment; a slug that names none, as it is."""
    if slug in STANDARD:
        return str(STANDARD[slug])
    if slug not in _OWN_NAMES:
        name = Environment.objects.filter(pk=slug).values_list("name", flat=True).first()
        if name is None:
            return slug
        _OWN_NAMES[slug] = name
    return _OWN_NAMES[slug]
