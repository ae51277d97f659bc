"""With whom a review is: the roles whose signature is next, and the people who could give it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.models import Membership, Person, Role
from governance.models import Review, SignOff, Step
from models_registry.models import Version

NAMED = 3  # people of one role; more are counted


@dataclass(frozen=True, slots=True)
class Holder:
    """One role whose signature is next. Nobody among `people` means that nobody can give it."""

    role: str
    people: list[Person]

    @property
    def who(self) -> str:
        named = ", ".join(str(one) for one in self.people[:NAMED])
        more = len(self.people) - NAMED
        if not self.people:
            return _("nobody can sign for it")
        return _("%(named)s and %(more)s more") % {"named": named, "more": more} if more > 0 else named


def holders_of(reviews: Iterable[Review]) -> dict[UUID, list[Holder]]:
    """For each review (`with_parts`) whose signatures are asked for now; nothing while the workers are not done. Three queries,
    however many reviews."""
    asked = {one.pk: one for one in reviews if one.version.state != Version.State.SUBMITTED}
    steps: dict[UUID, list[Step]] = {}
    for step in Step.objects.waiting().filter(review__in=asked).order_by("order", "pk"):
        held = steps.setdefault(step.review_id, [])
        if not held or held[0].order == step.order:
            held.append(step)
    members = _members({step.role for held in steps.values() for step in held})
    standing = SignOff.objects.standing().filter(review__in=steps)
    signed = set(standing.values_list("review_id", "digest", "person"))
    found: dict[UUID, list[Holder]] = {}
    for key, held in steps.items():
        review = asked[key]
        for step in held:
            able = {
                one.person
                for one in members.get(step.role, [])
                if one.team_id in {None, review.version.model.team_id} and _could(one.person, review, signed)
            }
            people = sorted(able, key=lambda person: (str(person), person.pk))
            found.setdefault(key, []).append(Holder(step.get_role_display(), people))
    return found


def _could(person: Person, review: Review, signed: set[Any]) -> bool:
    own_work = person.pk in review.contributors or person.pk == review.version.model.owner_id
    return not own_work and not review.policy.bars(person) and (review.pk, review.digest, person.pk) not in signed


def _members(roles: set[str]) -> dict[str, list[Membership]]:
    """Who holds these roles and is no administrator."""
    administers = Membership.objects.filter(person=OuterRef("person"), role=Role.ADMINISTRATOR)
    rows = Membership.objects.filter(role__in=roles, person__is_active=True).exclude(Exists(administers))
    found: dict[str, list[Membership]] = {}
    for one in rows.select_related("person"):
        found.setdefault(one.role, []).append(one)
    return found
