"""What the clock does about approvals that are looked at anew while they hold. Each finds nothing to do when called again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from core import clock
from core.errors import DomainError
from governance import events
from governance.assessing import rank
from governance.dry_run import dry_run
from governance.looking_anew import GRACE, holds_until
from governance.models import Finding, Policy, Release, Review
from governance.models.finding import at_least
from governance.models.review import ReviewQuerySet
from governance.policies import in_force
from governance.reviewing import ask_for_runs, open_review
from governance.services.falling_due import current_approvals
from governance.services.locking import locked_with_same_bytes
from governance.services.suspending import suspend_within
from ledger.actors import CLOCK
from ledger.acts import Act, act
from models_registry.models import Version, VersionData

Look = tuple[Review, str, Policy | None]  # an approval, why it is looked at anew, and the later policy that it falls under

AT_ONCE = 100  # reviews of one turn; the next ones follow half a minute later
NOT_IN_TIME = "change that was not reviewed in time"
HOLDING = {*Version.APPROVED, Version.State.IN_REVIEW}  # in review for another environment, an approval holds on


def open_anew(earlier: Review, *, cause: str, policy: Policy | None = None) -> Review | None:
    """The approval that `earlier` gave is reviewed anew beside it, on behalf of the model's owner and under the policy in force
    now; None where it is not what stands any more, or is looked at already. Where another review is open already, a material
    change leaves the approval no more than its time. `policy`: the later one against which it was held, where that is why."""
    with act(CLOCK) as this:
        rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "model__owner", "training_run")
        version = rows.get(pk=earlier.version_id)
        rows_now = _live() if cause == Review.Cause.PERIODIC else _open_to_changes()
        found = rows_now.locked().filter(pk=earlier.pk).first()
        if found is None:
            return None
        ends = holds_until(found, cause, now=this.at)
        beside = Review.objects.open().locked().filter(version=version).first()
        if beside is not None:
            _leave_a_time(found, beside, cause=cause, within=this)
            return None
        if version.state not in Version.APPROVED:
            return None
        if policy is not None:
            Review.objects.filter(pk=found.pk).update(held_against=policy.pk)
        governing = in_force(version.model.risk_tier, found.environment)
        review = open_review(
            version,
            policy=governing,
            environment=found.environment,
            by=version.model.owner,
            within=this,
            renews=found,
            cause=cause,
            earlier_holds_until=ends,
        )
        ask_for_runs(version, governing, within=this)
        this.record(_told(found, cause, ends), on=review)
    return review


def _leave_a_time(found: Review, beside: Review, *, cause: str, within: Act) -> None:
    """The approval holds no longer than a material change lets it, although no review can be opened for that now: what looks at
    it anew already is due to this change as well; beside the review for another environment, it ends sooner."""
    ends = within.at + GRACE
    if beside.renews_id == found.pk:
        ends = min(ends, beside.earlier_holds_until or ends)
        beside.cause, beside.earlier_holds_until = cause, ends
        beside.save(update_fields=["cause", "earlier_holds_until"])
        within.record(_told(found, cause, ends), on=beside)
    else:
        found.valid_until, found.remind_at = ends, within.at
        found.save(update_fields=["valid_until", "remind_at"])
        fact = events.ApprovalEndsSooner(
            version_id=str(found.version_id), environment=found.environment, cause=cause, holds_until=clock.stamp(ends)
        )
        within.record(fact, on=found)


def _told(found: Review, cause: str, ends: datetime | None) -> events.ApprovalLookedAtAnew:
    return events.ApprovalLookedAtAnew(
        version_id=str(found.version_id),
        environment=found.environment,
        earlier=str(found.pk),
        cause=cause,
        holds_until=clock.stamp(ends) if ends else "",
    )


def open_periodic_reviews() -> None:
    """From the day on which people are reminded of its end, every live approval is reviewed anew."""
    now = clock.now()
    _open_each((one, Review.Cause.PERIODIC, None) for one in _live().filter(remind_at__lte=now, valid_until__gt=now)[:AT_ONCE])


def open_for_material_changes() -> None:
    """Every live approval is reviewed anew under which the risk, the policy or what is known has changed for the worse."""
    for look in (_found_grave, _of_higher_risk, _under_stricter_policy):
        _open_each(look())


def end_graces() -> None:
    """What nobody decided in the time that a material change leaves is suspended."""
    late = Review.objects.beside_approvals().filter(earlier_holds_until__lte=clock.now()).exclude(cause=Review.Cause.PERIODIC)
    for review in late[:AT_ONCE]:
        with act(CLOCK) as this:
            version = locked_with_same_bytes(review)
            if late.filter(pk=review.pk).exists() and version.state in Version.APPROVED:
                suspend_within(version, reason=NOT_IN_TIME, within=this)


def _open_each(found: Iterable[Look]) -> None:
    for review, cause, policy in list(found):
        try:
            open_anew(review, cause=cause, policy=policy)
        except DomainError:  # no policy covers it any more: its end, or a person, decides
            if policy is not None:  # and it is not held against the same one every half minute
                Review.objects.filter(pk=review.pk).update(held_against=policy.pk)


def _live() -> ReviewQuerySet:
    """Approvals in force of what is live, beside which no review is open."""
    looked_at = Review.objects.open().filter(version=OuterRef("version"))
    return _of_what_is_live().filter(version__state__in=Version.APPROVED).exclude(Exists(looked_at))


def _open_to_changes() -> ReviewQuerySet:
    """Approvals in force of what is live to which a material change still matters: not those that have no more than its time
    anyhow, and none that a later review of the same environment has replaced as what decides."""
    beside = Review.objects.open().filter(version=OuterRef("version"))
    looked_at = beside.filter(renews=OuterRef("pk")).exclude(cause=Review.Cause.PERIODIC)
    replaced = beside.filter(environment=OuterRef("environment")).exclude(renews=OuterRef("pk"))
    elsewhere = Q(Exists(beside.exclude(environment=OuterRef("environment"))), valid_until__lte=clock.now() + GRACE)
    rows = _of_what_is_live().filter(version__state__in=HOLDING)
    return rows.exclude(Exists(looked_at)).exclude(Exists(replaced)).exclude(elsewhere)


def _of_what_is_live() -> ReviewQuerySet:
    live = Release.objects.live().filter(version=OuterRef("version"), environment=OuterRef("environment"))
    return current_approvals().filter(Exists(live)).select_related("policy", "version__model")


def _found_grave() -> Iterator[Look]:
    data = VersionData.objects.filter(version=OuterRef(OuterRef("version"))).values("dataset_version")
    about = Q(version=OuterRef("version")) | Q(model=OuterRef("version__model"), version=None) | Q(dataset_version__in=data)
    grave = Finding.objects.outstanding().filter(about, severity__in=at_least("high"), raised_at__gt=OuterRef("concluded_at"))
    for review in _open_to_changes().filter(Exists(grave))[:AT_ONCE]:
        yield review, Review.Cause.FINDING, None


def _of_higher_risk() -> Iterator[Look]:
    covers: dict[UUID, int] = {}  # a policy is read once, however many approvals it gave
    for review in _open_to_changes():
        if review.policy_id not in covers:
            covers[review.policy_id] = max(map(rank, review.policy.document.covers.tiers), default=-1)
        if covers[review.policy_id] < rank(review.version.model.risk_tier):
            yield review, Review.Cause.RISK_TIER, None


def _under_stricter_policy() -> Iterator[Look]:
    """Those that would not be approved as they are. Each approval is held against each policy once."""
    against: dict[Policy, list[Review]] = defaultdict(list)
    latest = _once(in_force)
    for review in _open_to_changes():
        policy = latest(review.version.model.risk_tier, review.environment)
        if policy is not None and policy.pk not in {review.policy_id, review.held_against}:
            against[policy].append(review)
    for policy, reviews in against.items():
        falling = {(one.version, one.environment) for one in dry_run(policy.document).falling}
        stay = [one.pk for one in reviews if (one.version_id, one.environment) not in falling]
        Review.objects.filter(pk__in=stay).update(held_against=policy.pk)  # the others in the act that opens their review
        for review in reviews:
            if (review.version_id, review.environment) in falling:
                yield review, Review.Cause.POLICY, policy


def _once(rule: Callable[[str, str], Policy]) -> Callable[[str, str], Policy | None]:
    known: dict[tuple[str, str], Policy | None] = {}

    def ask(tier: str, environment: str) -> Policy | None:
        if (tier, environment) not in known:
            try:
                known[tier, environment] = rule(tier, environment)
            except DomainError:
                known[tier, environment] = None
        return known[tier, environment]

    return ask
