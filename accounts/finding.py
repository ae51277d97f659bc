"""How people are found, by whoever may know them."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from accounts.models import Person, Role
from core.searching import MOST, Hit


def people(person: Person, words: str, digest: str) -> list[Hit]:
    """People by a part of their name or address. Their page is an administrator's: others learn who they are."""
    rows = Person.objects.visible_to(person).active().filter(Q(name__icontains=words) | Q(email__icontains=words))
    opens = person.holds_anywhere(Role.ADMINISTRATOR)
    return [
        Hit(
            str(one),
            reverse("settings:person", args=[one.pk]) if opens else "",
            " · ".join([one.email, *(str(held) for held in one.memberships.all())]),
        )
        for one in rows.prefetch_related("memberships__team").order_by("name", "pk")[:MOST]
    ]
