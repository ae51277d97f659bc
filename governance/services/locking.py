"""The rows that a signature needs to itself, always taken in the same order: people, delegation, version, review."""

from __future__ import annotations

from django.db.models import Q

from accounts.models import Membership, Person
from governance.models import Delegation, Review
from models_registry.models import Version


def holding_roles(by: Person, *others: Person) -> Person:
    """The signer with the roles that they hold at this moment, which stay theirs until the act ends, as do those of the others on
    whom it rests: the request read them before the password was weighed, and a role may have been revoked meanwhile."""
    people = [by.pk, *(one.pk for one in others)]
    list(Membership.objects.select_for_update().filter(person__in=people).order_by("pk"))
    return Person.objects.get(pk=by.pk)


def locked_delegation(delegation: Delegation) -> Delegation:
    """The delegation as it is at this moment, with both people: whoever ends it waits for the signature, or comes before it."""
    return Delegation.objects.select_for_update(of=("self",)).with_parts().get(pk=delegation.pk)


def locked_with_version(review: Review, *, same_bytes: bool = False) -> Review:
    """The review and its version, locked in the order of everybody: of two who wait for one another, none would be served.
    With `same_bytes`, what a suspension takes along is locked with the version."""
    if same_bytes:
        version = locked_with_same_bytes(review)
    else:
        rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run")
        version = rows.get(pk=review.version_id)
    review = Review.objects.locked().select_related("policy").get(pk=review.pk)
    review.version = version
    return review


def locked_with_same_bytes(review: Review) -> Version:
    """The version under review, locked with the approved ones of the same bytes by their key: a suspension takes these along, and
    would otherwise wait for them while it holds a later one."""
    under = Version.objects.filter(pk=review.version_id)
    same = Q(model__in=under.values("model"), checkpoint_digest__in=under.values("checkpoint_digest"), state__in=Version.APPROVED)
    rows = Version.objects.filter(Q(pk=review.version_id) | same).order_by("pk").select_for_update(of=("self",))
    return {one.pk: one for one in rows.select_related("model__team", "training_run")}[review.version_id]
