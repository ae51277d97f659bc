"""What the policy asks beside signatures and how each answer stands, which exceptions there are, who reviewed the code."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from audit.composing.material import Material
from audit.composing.people import named
from audit.wording import role_word
from core.clock import stamp
from governance.models import CodeOutcome, RequirementException
from governance.requirements import kinds


def requirements(material: Material) -> list[dict[str, Any]]:
    """Every answer of the policy, as of now."""
    return [
        {"kind": one.kind, "title": _title(one.kind), "outcome": one.outcome.value, "sentence": one.sentence}
        for one in material.approval.answers
    ]


def exceptions(material: Material) -> list[dict[str, Any]]:
    """What was asked to stay unmet, in the order of asking; reasons and controls are withheld, as people's own words."""
    version = material.version
    rows = RequirementException.objects.filter(Q(version=version) | Q(version=None, model=version.model_id))
    return [
        {
            "id": str(row.pk),
            "event": material.index_of("exception", row.pk, "exception.requested"),
            "title": _title(row.kind),
            "whole_model": row.version_id is None,
            "state": row.shown_state,
            "state_words": str(RequirementException.State(row.shown_state).label),
            "expires_on": row.expires_on.isoformat(),
            "requested_by": named(material, row.requested_by_id),
            "requested_at": stamp(row.requested_at),
            "decided_by": named(material, row.decided_by_id) if row.decided_by_id else None,
            "decided_as": role_word(row.decided_as) if row.decided_as else "",
            "decided_at": stamp(row.decided_at) if row.decided_at else None,
        }
        for row in rows.order_by("requested_at", "pk")
    ]


def code_outcomes(material: Material) -> list[dict[str, Any]]:
    """Who came to what about exactly which code; claimed where it was reviewed at the repository's host."""
    rows = CodeOutcome.objects.filter(version=material.version).order_by("recorded_at", "pk")
    return [
        {
            "id": str(row.pk),
            "digest": row.digest,
            "verdict": row.verdict,
            "verdict_words": str(row.get_verdict_display()),
            "person": named(material, row.person),
            "recorded_at": stamp(row.recorded_at),
            "hosted_on": row.hosted_on.isoformat() if row.hosted_on else None,
        }
        for row in rows
    ]


def _title(kind: str) -> str:
    known = kinds.get(kind)
    return str(known.title) if known else kind
