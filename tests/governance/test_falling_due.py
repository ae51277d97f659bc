"""What the clock does: overdue reviews go before others, reminders come once, approvals end with what is live under them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance import services, tasks
from governance.approvals import approval_of
from governance.models import PRODUCTION, STAGING, Release, Review
from governance.parts.dates import waiting
from governance.services import falling_due as dates
from models_registry.models import Version


def _past_due(frozen_clock: Any, review: Review) -> Review:
    frozen_clock.set(review.due_at)
    tasks.fall_due()
    return Review.objects.get(pk=review.pk)


def test_an_overdue_review_is_put_before_the_role_that_its_policy_names_once(
    make_review: Callable[..., Any], frozen_clock: Any, story: Callable[[], list[str]]
) -> None:
    review = make_review()
    before = len(story())
    tasks.fall_due()
    assert story()[before:] == []
    review = _past_due(frozen_clock, review)
    tasks.fall_due()
    assert story()[before:] == ["review.fell_overdue"]
    assert (review.escalated_at, review.escalated_to) == (frozen_clock.now, "risk_manager")


def test_whoever_it_was_put_before_has_it_in_the_inbox_and_nobody_else(
    make_review: Callable[..., Any],
    frozen_clock: Any,
    client_of: Callable[..., Any],
    risk_manager: Any,
    officer: Any,
    make_team: Callable[..., Any],
    make_person: Callable[..., Any],
) -> None:
    review = _past_due(frozen_clock, make_review())
    elsewhere = make_person("Rae Elsewhere", ("risk_manager", make_team("other")))
    title = "Overdue, and put before you"
    assert title in client_of(risk_manager).get("/").content.decode()
    assert title not in client_of(officer).get("/").content.decode()
    assert title not in client_of(elsewhere).get("/").content.decode()
    assert list(Review.objects.escalated_to(risk_manager)) == [review]


def test_what_was_put_before_somebody_who_may_sign_it_is_counted_once(
    make_review: Callable[..., Any], frozen_clock: Any, risk_manager: Any, make_person: Callable[..., Any], team: Any
) -> None:
    both = make_person("Both", ("risk_manager", team), ("validator", team))
    _past_due(frozen_clock, make_review())
    assert (waiting(risk_manager), waiting(both)) == (1, 0)
    assert list(Review.objects.signable_by(both)) == list(Review.objects.escalated_to(both)) != []


def test_what_is_decided_is_overdue_no_more(
    make_review: Callable[..., Any], sign: Callable[..., Any], frozen_clock: Any, risk_manager: Any
) -> None:
    review = _past_due(frozen_clock, make_review())
    sign(review, "validator", "reject")
    assert not Review.objects.escalated_to(risk_manager).exists()


def test_people_are_reminded_once_before_an_approval_ends(
    make_approved: Callable[..., Any],
    frozen_clock: Any,
    story: Callable[[], list[str]],
    validator: Any,
    scientist: Any,
    officer: Any,
) -> None:
    version = make_approved()
    review = version.reviews.get()
    assert review.remind_at == review.valid_until - timedelta(days=30)
    before = len(story())
    frozen_clock.set(review.remind_at - timedelta(seconds=1))
    tasks.fall_due()
    assert "approval.ends_soon" not in story()
    frozen_clock.set(review.remind_at)
    tasks.fall_due()
    tasks.fall_due()
    assert [one for one in story()[before:] if one == "approval.ends_soon"] == ["approval.ends_soon"]
    assert list(Review.objects.ending_for(validator)) == [review]
    assert list(Review.objects.ending_for(officer)) == [review]
    assert not Review.objects.ending_for(scientist).exclude(version__model__owner=scientist).exists()


def test_at_its_end_an_approval_holds_no_more_and_what_is_live_under_it_ends(
    make_approved: Callable[..., Any], frozen_clock: Any, story: Callable[[], list[str]], risk_manager: Any
) -> None:
    version = make_approved()
    services.release(version, environment=PRODUCTION, by=risk_manager)
    review = version.reviews.get()
    frozen_clock.set(review.valid_until - timedelta(seconds=1))
    dates.expire_approvals()
    assert approval_of(version, PRODUCTION).holds
    frozen_clock.set(review.valid_until)
    before = len(story())
    dates.expire_approvals()
    dates.expire_approvals()
    version = Version.objects.get(pk=version.pk)
    assert version.state == Version.State.SUSPENDED
    assert Review.objects.get(pk=review.pk).state == Review.State.EXPIRED
    assert Release.objects.get().state == Release.State.REVOKED
    assert not approval_of(version, PRODUCTION).holds
    told = story()[before:]
    assert sorted(told) == sorted({*told}), "each once"
    assert {"approval.expired", "version.suspended", "release.revoked"} <= set(told)


def test_an_approval_that_still_holds_elsewhere_keeps_its_version_approved(
    make_approved: Callable[..., Any], frozen_clock: Any, risk_manager: Any
) -> None:
    version = make_approved()
    first = version.reviews.get()
    services.release(version, environment=PRODUCTION, by=risk_manager)
    Review.objects.filter(pk=first.pk).update(environment=STAGING, valid_until=first.valid_until)
    frozen_clock.set(first.valid_until)
    dates.expire_approvals()
    # The approval that ended was for staging: what is live in production was not released under it.
    assert Release.objects.get().state == Release.State.LIVE
    assert Review.objects.get(pk=first.pk).state == Review.State.EXPIRED


@pytest.mark.django_db
def test_a_policy_without_an_end_expires_nothing(make_approved: Callable[..., Any], frozen_clock: Any) -> None:
    version = make_approved()
    Review.objects.update(valid_until=None, remind_at=None)
    frozen_clock.advance(days=10_000)
    dates.expire_approvals()
    dates.remind_of_ends()
    assert Review.objects.get().state == Review.State.CONCLUDED
    assert version.reviews.get().reminded_at is None
