"""An approval that holds while a review looks at it anew: which of the two decides, until when, and in which words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from core import clock
from governance.models import Review
from models_registry.models import Version

GRACE = timedelta(days=30)  # for which an approval holds at most beside the review of a material change


@dataclass(frozen=True, slots=True)
class Deciding:
    """`review` says whether the version is approved; `under_way` looks at that anew and decides nothing yet."""

    review: Review
    under_way: Review | None = None


def deciding(newest: Review, *, version_state: str, now: datetime) -> Deciding:
    """Of the newest review and the one that it looks at anew, which decides.

    The earlier one does until the newest concludes, whatever it concludes; never longer than its own end or the time that a
    material change leaves it, and only while the version is approved.
    """
    earlier = newest.renews if newest.renews_id is not None else None
    if earlier is None or newest.state != Review.State.OPEN or version_state not in Version.APPROVED:
        return Deciding(newest)
    gave = earlier.state == Review.State.CONCLUDED and earlier.outcome.startswith("approved")
    lasts = newest.earlier_holds_until is None or now < newest.earlier_holds_until
    return Deciding(earlier, newest) if gave and lasts else Deciding(newest)


def is_beside(review: Review) -> bool:
    """Whether the review is open while another one still says that its version is approved."""
    return review.renews_id is not None and deciding(review, version_state=review.version.state, now=clock.now()).review != review


def holds_until(earlier: Review, cause: str, *, now: datetime) -> datetime | None:
    """Until when an approval holds at most beside a review of this cause that is opened now; None where nothing ends it."""
    ends = [] if earlier.valid_until is None else [earlier.valid_until]
    if cause != Review.Cause.PERIODIC:
        ends.append(now + GRACE)
    return min(ends, default=None)


def notice_of(review: Review) -> str:
    """What changed and what follows, told wherever the approval is shown that this open review looks at anew."""
    what = {
        Review.Cause.PERIODIC: _("The approval soon ends, so it is reviewed anew."),
        Review.Cause.RISK_TIER: _(
            "The risk tier of the model was raised above what it was approved for, so it is reviewed anew."
        ),
        Review.Cause.POLICY: _("A policy is in force under which it would not be approved as it is, so it is reviewed anew."),
        Review.Cause.FINDING: _("A finding of high severity was raised after the approval, so it is reviewed anew."),
    }[Review.Cause(review.cause)]
    parts = [what]
    if review.earlier_holds_until is not None:
        said = _("The approval holds until %(until)s at the latest; without a decision by then the version is suspended.")
        if review.cause == Review.Cause.FINDING:  # a finding stands in what is signed, so what was signed before it is stale
            said = _("The approval does not hold any more; without a decision by %(until)s the version is suspended.")
        parts.append(said % {"until": _moment(review.earlier_holds_until)})
    if review.due_at is not None:
        parts.append(_("The review is due by %(due)s.") % {"due": _moment(review.due_at)})
    return " ".join(parts)


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "j M Y H:i e")
