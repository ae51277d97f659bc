"""What the clock does about approvals that are looked at anew while they hold. Each finds nothing to do when called again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from core import clock
from core.errors import DomainError
from governance import events
from governance.assessing import rank
from governance.dry_run import dry_run
from governance.looking_anew import APPROVED, holds_until
from governance.models import Finding, Policy, Release, Review
from governance.models.finding import at_least
from governance.models.review import ReviewQuerySet
from governance.policies import in_force
from governance.reviewing import ask_for_runs, open_review
from governance.services.falling_due import current_approvals
from governance.services.suspending import suspend_within
from ledger.actors import CLOCK
from ledger.acts import act
from models_registry.models import Version, VersionData

AT_ONCE = 100  # reviews of one turn; the next ones follow half a minute later
NOT_IN_TIME = "change that was not reviewed in time"


def open_anew(earlier: Review, *, cause: str) -> Review | None:
    """The approval that `earlier` gave is reviewed anew beside it, on behalf of the model's owner and under the policy in force
    now; None where it is not what stands any more, or is looked at already."""
    with act(CLOCK) as this:
        rows = Version.objects.select_for_update(of=("self",)).select_related("model__team", "model__owner", "training_run")
        version = rows.get(pk=earlier.version_id)
        found = _live().locked().filter(pk=earlier.pk).first()
        if found is None:
            return None
        policy = in_force(version.model.risk_tier, found.environment)
        ends = holds_until(found, cause, now=this.at)
        review = open_review(
            version,
            policy=policy,
            environment=found.environment,
            by=version.model.owner,
            within=this,
            renews=found,
            cause=cause,
            earlier_holds_until=ends,
        )
        ask_for_runs(version, policy, within=this)
        this.record(
            events.ApprovalLookedAtAnew(
                version_id=str(version.pk),
                environment=found.environment,
                earlier=str(found.pk),
                cause=cause,
                holds_until=clock.stamp(ends) if ends else "",
            ),
            on=review,
        )
    return review


def open_periodic_reviews() -> None:
    """From the day on which people are reminded of its end, every live approval is reviewed anew."""
    now = clock.now()
    _open_each((one, Review.Cause.PERIODIC) for one in _live().filter(remind_at__lte=now, valid_until__gt=now)[:AT_ONCE])


def open_for_material_changes() -> None:
    """Every live approval is reviewed anew under which the risk, the policy or what is known has changed for the worse."""
    for look in (_found_grave, _of_higher_risk, _under_stricter_policy):
        _open_each(look())


def end_graces() -> None:
    """What nobody decided in the time that a material change leaves is suspended."""
    late = Review.objects.beside_approvals().filter(earlier_holds_until__lte=clock.now()).exclude(cause=Review.Cause.PERIODIC)
    for review in late[:AT_ONCE]:
        with act(CLOCK) as this:
            version = Version.objects.select_for_update(of=("self",)).select_related("model__team").get(pk=review.version_id)
            if late.filter(pk=review.pk).exists() and version.state in APPROVED:
                suspend_within(version, reason=NOT_IN_TIME, within=this)


def _open_each(found: Iterable[tuple[Review, str]]) -> None:
    for review, cause in list(found):
        try:
            open_anew(review, cause=cause)
        except DomainError:  # no policy covers it any more: its end, or a person, decides
            continue


def _live() -> ReviewQuerySet:
    """Approvals in force of what is live, beside which no review is open."""
    live = Release.objects.live().filter(version=OuterRef("version"), environment=OuterRef("environment"))
    looked_at = Review.objects.open().filter(version=OuterRef("version"))
    rows = current_approvals().filter(Exists(live), version__state__in=APPROVED).exclude(Exists(looked_at))
    return rows.select_related("policy", "version__model")


def _found_grave() -> Iterator[tuple[Review, str]]:
    data = VersionData.objects.filter(version=OuterRef(OuterRef("version"))).values("dataset_version")
    about = Q(version=OuterRef("version")) | Q(model=OuterRef("version__model"), version=None) | Q(dataset_version__in=data)
    grave = Finding.objects.outstanding().filter(about, severity__in=at_least("high"), raised_at__gt=OuterRef("concluded_at"))
    for review in _live().filter(Exists(grave))[:AT_ONCE]:
        yield review, Review.Cause.FINDING


def _of_higher_risk() -> Iterator[tuple[Review, str]]:
    covers: dict[UUID, int] = {}  # a policy is read once, however many approvals it gave
    for review in _live():
        if review.policy_id not in covers:
            covers[review.policy_id] = max(map(rank, review.policy.document.covers.tiers), default=-1)
        if covers[review.policy_id] < rank(review.version.model.risk_tier):
            yield review, Review.Cause.RISK_TIER


def _under_stricter_policy() -> Iterator[tuple[Review, str]]:
    """Those that would not be approved as they are. Each approval is held against each policy once."""
    against: dict[Policy, list[Review]] = defaultdict(list)
    latest = _once(in_force)
    for review in _live():
        policy = latest(review.version.model.risk_tier, review.environment)
        if policy is not None and policy.pk not in {review.policy_id, review.held_against}:
            against[policy].append(review)
    for policy, reviews in against.items():
        falling = {(one.version, one.environment) for one in dry_run(policy.document).falling}
        Review.objects.filter(pk__in=[one.pk for one in reviews]).update(held_against=policy.pk)
        for review in reviews:
            if (review.version_id, review.environment) in falling:
                yield review, Review.Cause.POLICY


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
