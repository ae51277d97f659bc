"""Who sees which teams and people: every other context builds its own sight on these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import ApiKey, Membership, Person, Role, Team

if TYPE_CHECKING:
    from accounts.models import PersonQuerySet


def teams_visible_to(person: Person) -> QuerySet[Team]:
    """The teams whose models and data `person` sees. Being an administrator shows none: that role is about people."""
    if not person.is_authenticated or not person.is_active:
        return Team.objects.none()
    held = Membership.objects.filter(person=person).exclude(role=Role.ADMINISTRATOR)
    return Team.objects.filter(Exists(held.filter(team=OuterRef("pk"))) | Exists(held.filter(team=None)))


def teams_listed_for(person: Person) -> QuerySet[Team]:
    """The teams whose name `person` may know: those they see, and for an administrator those they administer."""
    if not person.is_authenticated or not person.is_active:
        return Team.objects.none()
    held = Membership.objects.filter(person=person)
    return Team.objects.filter(Exists(held.filter(team=OuterRef("pk"))) | Exists(held.filter(team=None)))


def people_visible_to(person: Person, *, among: PersonQuerySet | None = None) -> PersonQuerySet:
    """Everybody for an administrator; else oneself, the people of one's teams and those with a role everywhere."""
    people = Person.objects.all() if among is None else among
    if not person.is_authenticated or not person.is_active:
        return people.none()
    if person.holds_anywhere(Role.ADMINISTRATOR):
        return people
    near = Membership.objects.filter(person=OuterRef("pk")).filter(Q(team=None) | Q(team__in=teams_visible_to(person)))
    return people.filter(Q(pk=person.pk) | Exists(near))


def keys_visible_to(person: Person) -> QuerySet[ApiKey]:
    """One's own keys; for an administrator of the site everybody's, so that a lost key can be revoked at once."""
    keys = ApiKey.objects.all()
    return keys if person.holds(Role.ADMINISTRATOR) else keys.filter(person=person)
