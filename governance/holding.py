"""With whom a review is: the roles whose signature is next, and the people who could give it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.models import Membership, Person, Role
from governance.models import Delegation, Review, SignOff, Step
from governance.permissions.delegations import can_use
from models_registry.models import Version

NAMED = 3  # people of one role; more are counted


@dataclass(frozen=True, slots=True)
class Holder:
    """One role whose signature is next. Nobody among `people` means that nobody can give it. `stand_ins` maps those of them who
    could give it by delegation alone to whom they stand in for."""

    role: str
    people: list[Person]
    stand_ins: dict[UUID, Person] = field(default_factory=dict)

    def _named(self, person: Person) -> str:
        delegator = self.stand_ins.get(person.pk)
        return str(person) if delegator is None else _("%(name)s for %(other)s") % {"name": person, "other": delegator}

    @property
    def who(self) -> str:
        named = ", ".join(self._named(one) for one in self.people[:NAMED])
        more = len(self.people) - NAMED
        if not self.people:
            return _("nobody can sign for it")
        return _("%(named)s and %(more)s more") % {"named": named, "more": more} if more > 0 else named


def holders_of(reviews: Iterable[Review]) -> dict[UUID, list[Holder]]:
    """For each review (`with_parts`) whose signatures are asked for now; nothing while the workers are not done. Four queries,
    however many reviews, and two more where somebody delegates."""
    asked = {one.pk: one for one in reviews if one.version.state != Version.State.SUBMITTED}
    steps: dict[UUID, list[Step]] = {}
    for step in Step.objects.waiting().filter(review__in=asked).order_by("order", "pk"):
        held = steps.setdefault(step.review_id, [])
        if not held or held[0].order == step.order:
            held.append(step)
    asked_roles = {step.role for held in steps.values() for step in held}
    members, lent = _members(asked_roles), _lent(asked_roles)
    standing = SignOff.objects.standing().filter(review__in=steps)
    given = list(standing.values_list("review_id", "digest", "person", "on_behalf_of"))
    signed = {(key, digest, one) for key, digest, *both in given for one in both if one}
    found: dict[UUID, list[Holder]] = {}
    for key, held in steps.items():
        review = asked[key]
        for step in held:
            able = {
                one.person
                for one in members.get(step.role, [])
                if one.team_id in {None, review.version.model.team_id} and _could(one.person, review, signed)
            }
            stand_ins = {
                one.delegate: one.delegator
                for one in lent.get(step.role, [])
                if one.delegate not in able and _could_for(one, review, signed)
            }
            people = sorted(able | stand_ins.keys(), key=lambda person: (str(person), person.pk))
            whom = {delegate.pk: delegator for delegate, delegator in stand_ins.items()}
            found.setdefault(key, []).append(Holder(step.get_role_display(), people, whom))
    return found


def _could(person: Person, review: Review, signed: set[Any]) -> bool:
    own_work = person.pk in review.contributors or person.pk == review.version.model.owner_id
    return not own_work and not review.policy.bars(person) and (review.pk, review.digest, person.pk) not in signed


def _could_for(lent: Delegation, review: Review, signed: set[Any]) -> bool:
    """Whether the delegate could sign it on behalf of the delegator: what bars either bars both."""
    model, people = review.version.model, (lent.delegator, lent.delegate)
    if not all(_could(one, review, signed) and not one.holds_anywhere(Role.ADMINISTRATOR) for one in people):
        return False
    return lent.delegator.holds(lent.role, model.team) and bool(can_use(lent.delegate, lent, lent.role, model))


def _lent(roles: set[str]) -> dict[str, list[Delegation]]:
    """The delegations of these roles that are in force, with what their people hold."""
    rows = Delegation.objects.in_force().filter(role__in=roles, delegate__is_active=True).with_parts()
    found: dict[str, list[Delegation]] = {}
    for one in rows.prefetch_related("delegator__memberships", "delegate__memberships"):
        found.setdefault(one.role, []).append(one)
    return found


def _members(roles: set[str]) -> dict[str, list[Membership]]:
    """Who holds these roles and is no administrator."""
    administers = Membership.objects.filter(person=OuterRef("person"), role=Role.ADMINISTRATOR)
    rows = Membership.objects.filter(role__in=roles, person__is_active=True).exclude(Exists(administers))
    found: dict[str, list[Membership]] = {}
    for one in rows.select_related("person"):
        found.setdefault(one.role, []).append(one)
    return found
