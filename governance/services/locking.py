"""The rows that a signature needs to itself, always taken in the same order: person, version, review."""

from __future__ import annotations

from accounts.models import Membership, Person
from governance.models import Review
from models_registry.models import Version


def holding_roles(by: Person) -> Person:
    """The signer with the roles that they hold at this moment, which stay theirs until the act ends: the request read them
    before the password was weighed, and a role may have been revoked meanwhile."""
    list(Membership.objects.select_for_update().filter(person=by.pk))
    return Person.objects.get(pk=by.pk)


def locked_with_version(review: Review) -> Review:
    """The review and its version, locked in the order of everybody: of two who wait for one another, none would be served."""
    version = (
        Version.objects.select_for_update(of=("self",)).select_related("model__team", "training_run").get(pk=review.version_id)
    )
    review = Review.objects.locked().select_related("policy").get(pk=review.pk)
    review.version = version
    return review
