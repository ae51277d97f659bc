"""Who acts: people, their teams and roles, and the keys that act for them."""

from __future__ import annotations

import uuid
import zoneinfo
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from accounts.roles import SIGNING_ROLES, Role, Scope
from core.clock import now
from core.ids import uuid7

__all__ = ["SIGNING_ROLES", "ApiKey", "Membership", "Person", "Role", "Scope", "Team"]


def known_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a zone of the IANA database."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a known time zone; write one such as Asia/Seoul.") % {"name": name})


class PersonQuerySet(models.QuerySet["Person"]):
    def active(self) -> PersonQuerySet:
        return self.filter(is_active=True)

    def with_role(self, role: str, team: Team | None = None) -> PersonQuerySet:
        """Active people who hold `role` in `team` or everywhere; without a team: everywhere."""
        where = Q(memberships__role=role, memberships__team=None)
        if team is not None:
            where |= Q(memberships__role=role, memberships__team=team)
        return self.active().filter(where).distinct()

    def visible_to(self, person: Person) -> PersonQuerySet:
        """Everybody for an administrator; else oneself, the people of one's teams and those with a role everywhere."""
        from accounts.visibility import people_visible_to  # noqa: PLC0415 - visibility reads these models

        return people_visible_to(person, among=self)


class PersonManager(BaseUserManager.from_queryset(PersonQuerySet)):  # type: ignore[misc]  # Django builds the base class
    def get_by_natural_key(self, username: str | None) -> Person:
        """E-mail addresses are kept in lower case, so that nobody is two people."""
        return self.get(email=(username or "").lower())


class Person(AbstractBaseUser):
    """Somebody who acts. The id is the pseudonym under which the log knows them; erasing leaves nothing else."""

    last_login = None  # signing in is in the log; a second record outside it could only disagree

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    is_active = models.BooleanField(default=True)
    password_is_handed = models.BooleanField(default=False)  # by whoever made the account: it opens it, and signs nothing
    created_at = models.DateTimeField(default=now, editable=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    memberships: models.Manager[Membership]
    keys: models.Manager[ApiKey]
    objects = PersonManager()
    ledger_label = "person"
    actor_kind = "person"

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="person_email_once_in_any_case"),
            models.CheckConstraint(condition=Q(erased_at=None) | Q(is_active=False), name="person_erased_is_inactive"),
        ]

    def __str__(self) -> str:
        return self.name or (_("erased person") if self.erased_at else self.email)

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self)

    @property
    def actor_id(self) -> str:
        return str(self.pk)

    def _roles(self) -> set[tuple[str, Any]]:
        """(role, team id or None), read once for each loaded person: a page asks many times."""
        if not hasattr(self, "_held"):
            self._held = {(held.role, held.team_id) for held in self.memberships.all()}  # type: ignore[arg-type]  # the plug-in errs
        return self._held

    def forget_roles(self) -> None:
        """The next question about roles reads them anew."""
        self.__dict__.pop("_held", None)

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        self.forget_roles()
        super().refresh_from_db(*args, **kwargs)

    def roles_in(self, team: Team | None) -> set[str]:
        """The roles that count in `team`: those held there and those held everywhere; without a team: everywhere."""
        where = {None} if team is None else {None, team.pk}
        return {role for role, team_id in self._roles() if team_id in where}

    def holds(self, role: str, team: Team | None = None) -> bool:
        """Whether this active person holds `role` in `team` (or everywhere)."""
        return self.is_active and role in self.roles_in(team)

    def holds_anywhere(self, role: str) -> bool:
        return self.is_active and any(held == role for held, _team in self._roles())

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        try:
            return zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # a zone that a newer tzdata dropped
            return zoneinfo.ZoneInfo("UTC")


class Team(models.Model):
    """People who own models and data together; who is in no team of a thing does not see it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=now, editable=False)

    ledger_label = "team"

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One role that a person holds, in one team or (without a team) everywhere. Its history is in the log."""

    person_id: uuid.UUID
    team_id: uuid.UUID | None

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="memberships", null=True, blank=True)
    role = models.CharField(max_length=40, choices=Role.choices)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "team", "role"], nulls_distinct=False, name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]
        indexes = [models.Index(fields=["role", "team"], name="membership_role_team")]

    def __str__(self) -> str:
        where = self.team.name if self.team else _("everywhere")
        return f"{Role(self.role).label} ({where})"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, *, at: datetime | None = None) -> ApiKeyQuerySet:
        """Keys that open something now: not revoked, not expired, of an active person."""
        return self.filter(revoked_at=None, expires_at__gt=at or now(), person__is_active=True)


class ApiKey(models.Model):
    """Acts for its owner within its scopes, until it expires. Only a digest of the secret is kept."""

    person_id: uuid.UUID

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=71)
    scopes = ArrayField(models.CharField(max_length=20, choices=Scope.choices))
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[ApiKeyQuerySet] = ApiKeyQuerySet.as_manager()  # type: ignore[assignment]  # a manager has its QuerySet's methods
    ledger_label = "key"

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(scopes__contained_by=Scope.values, scopes__len__gt=0), name="key_scopes_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("created_at")), name="key_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.name} (cs_{self.prefix}_…)"
