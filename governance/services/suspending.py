"""Taking an approval back, because it no longer holds in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governance import lifecycle
from governance.models import Release, Review
from ledger.acts import Act, act
from models_registry import lifecycle as versions
from models_registry.models import Version

if TYPE_CHECKING:
    from ledger.actors import Actor


def suspend(version: Version, *, reason: str, alert: str = "", by: Actor) -> None:
    """The approval is taken back and live releases of the version are revoked; what was already suspended stays so."""
    with act(by) as this:
        suspend_within(version, reason=reason, alert=alert, within=this)


def suspend_within(version: Version, *, reason: str, alert: str = "", within: Act) -> None:
    """As `suspend`, inside the act that found the breach. It takes the same bytes under another number of the model along: a
    release of those would be what was just taken back."""
    same = Version.objects.filter(model=version.model_id, checkpoint_digest=version.checkpoint_digest, state__in=Version.APPROVED)
    locked = list(same.select_for_update().order_by("pk"))  # in one order: two suspensions at once do not wait for each other
    for one in [version, *(other for other in locked if other.pk != version.pk)]:
        versions.suspend(one, reason=reason, alert=alert, within=within)
        revoke_within(one, reason=reason, within=within)
        end_reviews_beside(one, within=within)


def end_reviews_beside(version: Version, *, within: Act) -> None:
    """A review that looked at the approval anew ends with it: there is nothing left to go on holding, and the way back is a new
    review."""
    for review in Review.objects.beside_approvals().locked().filter(version=version):
        lifecycle.conclude(review, outcome="suspended", digest=review.digest, within=within)


def revoke_within(version: Version, *, reason: str, within: Act) -> None:
    """No release of the version is live any more."""
    for live in Release.objects.live().filter(version=version).select_for_update():
        lifecycle.revoke(live, reason=reason, within=within)
