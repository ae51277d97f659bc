"""The versions whose signatures and approvals stand on a finding or an exception, locked in one order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from governance.models import Review
from governance.reviewing import refresh
from governance.services.suspending import suspend_within
from models_registry.models import Version

if TYPE_CHECKING:
    from governance.models import Finding
    from ledger.acts import Act


def locked_versions(about: Q) -> list[Version]:
    """The versions that are under review or approved, with those of the same bytes, by their key: before any other row is
    locked, as everybody does."""
    found = Version.objects.filter(about).filter(Q(state__in=Version.APPROVED) | Q(reviews__state=Review.State.OPEN))
    same = Q(pk__in=found.values("pk")) | Q(
        model__in=found.values("model"), checkpoint_digest__in=found.values("checkpoint_digest"), state__in=Version.APPROVED
    )
    rows = Version.objects.filter(same).order_by("pk").select_for_update(of=("self",))
    locked = list(rows.select_related("model__team", "training_run"))
    return [version for version in locked if version.pk in set(found.values_list("pk", flat=True))]


def by_finding(finding: Finding) -> Q:
    """What a finding concerns: the counterpart of `Finding.objects.concerning`."""
    if finding.version_id:
        return Q(pk=finding.version_id)
    if finding.model_id:
        return Q(model=finding.model_id)
    return Q(data__dataset_version=finding.dataset_version_id)


def refresh_reviews(versions: list[Version], *, within: Act) -> None:
    """What a signature will stand for is brought up to date in each open review."""
    by_key = {version.pk: version for version in versions}
    for review in Review.objects.open().locked().filter(version__in=by_key).select_related("policy").order_by("pk"):
        review.version = by_key[review.version_id]
        refresh(review, within=within)


def suspend_all(versions: list[Version], *, reason: str, within: Act) -> list[Version]:
    """No approval of these versions stands, and none of their releases is live; which of them had one."""
    suspended = []
    for version in versions:
        version.refresh_from_db(fields=["state"])  # the same bytes may just have gone with another number
        if version.state in Version.APPROVED:
            suspend_within(version, reason=reason, within=within)
            suspended.append(version)
    return suspended
