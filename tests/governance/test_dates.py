"""By when a review is to be decided, and until when the approval that it gave holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from governance.models import Review


def test_a_review_is_due_so_many_days_after_it_was_opened_as_the_policy_says(
    make_review: Callable[..., Any], frozen_clock: Any
) -> None:
    review = make_review()
    assert review.policy.document.review_days == 14
    assert review.due_at == review.opened_at + timedelta(days=14)
    assert not review.is_overdue
    frozen_clock.set(review.due_at)
    assert review.is_overdue
    assert list(Review.objects.overdue()) == [review]


def test_an_approval_holds_from_its_last_signature_for_as_long_as_the_policy_lets_it(
    make_review: Callable[..., Any], sign: Callable[..., Any], frozen_clock: Any
) -> None:
    review = make_review()
    sign(review, "validator")
    assert Review.objects.get(pk=review.pk).valid_until is None
    frozen_clock.advance(days=3)
    sign(review, "compliance_officer")
    review = Review.objects.get(pk=review.pk)
    assert review.valid_until == frozen_clock.now + timedelta(days=365)
    assert list(Review.objects.approving()) == [review]


def test_what_was_rejected_has_no_end_and_is_not_overdue(
    make_review: Callable[..., Any], sign: Callable[..., Any], frozen_clock: Any
) -> None:
    review = make_review()
    sign(review, "validator", "reject")
    frozen_clock.advance(days=100)
    review = Review.objects.get(pk=review.pk)
    assert review.valid_until is None
    assert not review.is_overdue
    assert not Review.objects.overdue().exists()
    assert not Review.objects.approving().exists()


def test_the_api_says_when_a_review_is_due_and_until_when_its_approval_holds(
    make_approved: Callable[..., Any], api_of: Callable[..., Any], auditor: Any, frozen_clock: Any
) -> None:
    version = make_approved()
    answer = api_of(auditor).get("/api/v1/reviews/").json()["results"][0]
    assert answer["version"] == str(version.pk)
    assert answer["due_at"] == (frozen_clock.now + timedelta(days=14)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer["valid_until"] == (frozen_clock.now + timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer["overdue"] is False
