"""What waits for a person, what is theirs and with whom it is, what was decided lately."""

from __future__ import annotations

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import SIGNING_ROLES, Role
from governance import parts
from governance.holding import holders_of
from governance.models import Review
from governance.models.review import ReviewQuerySet

MOST = 50  # rows of one list of the inbox; what is due first comes first
DECIDED = 10  # of the latest


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits for the person, what is theirs and with whom it is, what was decided lately."""
    rows = Review.objects.visible_to(request.user).with_parts()
    signable = rows.signable_by(request.user)
    submitted = rows.open().filter(version__submitted_by=request.user)
    elsewhere = rows.open().exclude(pk__in=signable.values("pk")).exclude(pk__in=submitted.values("pk"))
    waiting, mine, others = (_first(some) for some in (signable, submitted, elsewhere))
    held = holders_of([*mine, *others])
    context = {
        "waiting": waiting[:MOST],
        "mine": [(review, held.get(review.pk, [])) for review in mine[:MOST]],
        "others": [(review, held.get(review.pk, [])) for review in others[:MOST]],
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


def _first(reviews: ReviewQuerySet) -> list[Review]:
    """Those that are due first, the oldest of them before others, and one more than the inbox shows, where there is one."""
    return list(reviews.order_by(F("due_at").asc(nulls_last=True), "opened_at", "pk")[: MOST + 1])
