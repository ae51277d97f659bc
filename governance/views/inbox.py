"""What waits for a person, what is theirs and with whom it is, what was decided lately."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import SIGNING_ROLES, Role
from governance import parts
from governance.models import Review, Step
from governance.models.review import ReviewQuerySet
from models_registry.models import Version

MOST = 50  # rows of one list of the inbox; the older ones come first


DECIDED = 10  # of the latest


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for the person, what is theirs and with whom it is, what was decided lately."""
    rows = Review.objects.visible_to(request.user).with_parts()
    signable = rows.signable_by(request.user)
    submitted = rows.open().filter(version__submitted_by=request.user)
    elsewhere = rows.open().exclude(pk__in=signable.values("pk")).exclude(pk__in=submitted.values("pk"))
    waiting, mine, others = (_oldest(some) for some in (signable, submitted, elsewhere))
    held = _held_by([*mine, *others])
    context = {
        "waiting": waiting[:MOST],
        "mine": [(review, held.get(review.pk, "")) for review in mine[:MOST]],
        "others": [(review, held.get(review.pk, "")) for review in others[:MOST]],
        "most": MOST,
        "more_waiting": len(waiting) > MOST,
        "more_mine": len(mine) > MOST,
        "more_others": len(others) > MOST,
        "decided": list(rows.exclude(state=Review.State.OPEN).order_by("-concluded_at")[:DECIDED]),
        "parts": [part for make in parts.inbox_parts for part in make(request)],
        "signs": any(request.user.holds_anywhere(role) for role in (*SIGNING_ROLES, Role.RISK_MANAGER)),
        "submits": request.user.holds_anywhere(Role.DATA_SCIENTIST),
        "administers": request.user.holds_anywhere(Role.ADMINISTRATOR),
    }
    return render(request, "governance/inbox.html", context)


def _oldest(reviews: ReviewQuerySet) -> list[Review]:
    """The oldest, and one more than the inbox shows, where there is one."""
    return list(reviews.order_by("opened_at", "pk")[: MOST + 1])


def _held_by(reviews: list[Review]) -> dict[Any, str]:
    """For each review whose signature is next, in one query; nothing while the workers are not done."""
    waiting: dict[Any, list[Step]] = {}
    for step in Step.objects.waiting().filter(review__in=reviews).order_by("order", "pk"):
        waiting.setdefault(step.review_id, []).append(step)
    return {
        review.pk: ", ".join(step.get_role_display().lower() for step in steps if step.order == steps[0].order)
        for review in reviews
        if review.version.state != Version.State.SUBMITTED and (steps := waiting.get(review.pk))
    }
