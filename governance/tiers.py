"""What bears on a model's risk tier: the personal data that reach it, and which approvals it has outgrown."""

from __future__ import annotations

from data_registry.lineage import pii_of
from data_registry.special import SPECIAL
from governance.assessing import rank
from governance.models import Policy, Review
from models_registry.models import RegisteredModel, Version, VersionData

# Of these versions nobody makes anything any more.
_GONE = {Version.State.WITHDRAWN, Version.State.REJECTED, Version.State.RETIRED}
_APPROVED = {*Version.APPROVED, Version.State.SUSPENDED}


def special_categories_of(model: RegisteredModel) -> list[str]:
    """The categories of specially protected personal data that reach a version of the model along the lineage of its data."""
    named = VersionData.objects.filter(version__model=model).exclude(version__state__in=_GONE)
    flags = pii_of(named.values_list("dataset_version", flat=True).distinct())
    return sorted({flag.category for flag in flags if flag.category in SPECIAL})


def outgrown_by(model: RegisteredModel, tier: str) -> list[tuple[Version, Policy]]:
    """The versions of the model that were approved under a policy for lower tiers than this one, each with that policy."""
    rows = (
        Review.objects.filter(version__model=model, version__state__in=_APPROVED, outcome="approved")
        .select_related("version__model", "policy")
        .order_by("version_id", "-concluded_at")
        .distinct("version_id")
    )
    weaker = [row for row in rows if max(map(rank, row.policy.document.covers.tiers), default=-1) < rank(tier)]
    return [(row.version, row.policy) for row in sorted(weaker, key=lambda row: row.version.number)]
