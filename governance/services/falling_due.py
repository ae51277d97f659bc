"""What the clock does with the dates of reviews and approvals. Each finds nothing to do when called again."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from core import clock
from governance import events, lifecycle
from governance.approvals import approval_of
from governance.models import Environment, Release, Review
from governance.models.review import ReviewQuerySet
from governance.services.suspending import end_reviews_beside
from ledger.actors import CLOCK
from ledger.acts import Act, act
from models_registry import lifecycle as versions
from models_registry.models import Version

AT_ONCE = 500  # rows of one turn; the next ones follow half a minute later
RAN_OUT = "end of its validity"


def put_overdue_before_others() -> None:
    """Every review that is overdue is before whoever holds the role that its policy names for it; each once."""
    for review in Review.objects.overdue().filter(escalated_at=None).select_related("policy")[:AT_ONCE]:
        role = review.policy.document.escalate_to
        with act(CLOCK) as this:
            rows = Review.objects.overdue().filter(pk=review.pk, escalated_at=None)
            if rows.update(escalated_at=this.at, escalated_to=role) and review.due_at is not None:
                fact = events.ReviewFellOverdue(version_id=str(review.version_id), role=role, due_at=clock.stamp(review.due_at))
                this.record(fact, on=review)


def remind_of_ends() -> None:
    """Of every approval that soon runs out, and that no later one replaces, people are reminded; each once."""
    soon = current_approvals().filter(remind_at__lte=clock.now(), reminded_at=None)
    for review in soon[:AT_ONCE]:
        with act(CLOCK) as this:
            rows = Review.objects.approving().filter(pk=review.pk, reminded_at=None)
            if rows.update(reminded_at=this.at) and review.valid_until is not None:
                fact = events.ApprovalEndsSoon(
                    version_id=str(review.version_id),
                    environment=review.environment,
                    valid_until=clock.stamp(review.valid_until),
                )
                this.record(fact, on=review)


def expire_approvals() -> None:
    """Every approval past its end is recorded as such: nothing is live under it, and its version is suspended where no approval
    for another environment still holds."""
    for review in current_approvals().filter(valid_until__lte=clock.now())[:AT_ONCE]:
        _expire(review)


def current_approvals() -> ReviewQuerySet:
    """Approvals that no later approval of the same version for the same environment has replaced."""
    later = Review.objects.approving().filter(
        version=OuterRef("version"), environment=OuterRef("environment"), opened_at__gt=OuterRef("opened_at")
    )
    return Review.objects.approving().exclude(Exists(later)).order_by("valid_until", "pk")


def _expire(review: Review) -> None:
    with act(CLOCK) as this:
        version = (
            Version.objects.select_for_update(of=("self",))
            .select_related("model__team", "training_run")
            .get(pk=review.version_id)
        )
        still = current_approvals().filter(pk=review.pk, valid_until__lte=clock.now())
        found = still.locked().first()
        if found is None or found.valid_until is None:  # another worker, or a signature, was faster
            return
        fact = events.ApprovalExpired(
            version_id=str(version.pk), environment=found.environment, valid_until=clock.stamp(found.valid_until)
        )
        lifecycle.run_out(found, fact, within=this)
        _end_releases(version, found.environment, within=this)
        if version.state in Version.APPROVED and not _holds_elsewhere(version, found.environment):
            versions.suspend(version, reason=RAN_OUT, within=this)
            end_reviews_beside(version, within=this)


def _end_releases(version: Version, environment: str, *, within: Act) -> None:
    """Those made under an approval; where an environment asks for none, what was released without one stays."""
    live = (
        Release.objects.live()
        .filter(version=version, environment=environment)
        .exclude(review=None, mode__in=[Environment.Mode.WARN, Environment.Mode.RECORD])
    )
    for one in live.select_for_update(of=("self",)):
        lifecycle.revoke(one, reason=RAN_OUT, within=within)


def _holds_elsewhere(version: Version, environment: str) -> bool:
    others = Review.objects.approving().filter(version=version).exclude(environment=environment)
    return any(approval_of(version, name).holds for name in sorted(set(others.values_list("environment", flat=True))))
