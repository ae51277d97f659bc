"""What the gate says now about a version, wherever somebody wants it to run: shown without asking, so nothing is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from governance import gate
from governance.approvals import Approval, approval_of
from governance.looking_anew import notice_of
from governance.models import Release, Review, label_of
from models_registry.models import Version
from models_registry.parts import Part


@dataclass(frozen=True, slots=True)
class Row:
    """One environment: the answer, until when it is certified, and where the certificate lies."""

    environment: str
    allowed: bool
    reasons: list[str]
    until: datetime | None
    download: str
    notice: str = ""


def part_of(version: Version, approval: Approval, releases: list[Release]) -> Part:
    """Of each environment for which it was submitted or to which it was released; `approval` is that of its latest review."""
    places = {*Review.objects.filter(version=version).order_by().values_list("environment", flat=True)}
    places |= {one.environment for one in releases}
    live = {one.environment for one in releases if one.state == Release.State.LIVE}
    known = approval.review.environment if approval.review else ""
    rows = [_row(version, one, approval if one == known else None, is_live=one in live) for one in sorted(places)]
    return Part("more", "governance/part_gate.html", {"rows": rows})


def _row(version: Version, environment: str, approval: Approval | None, *, is_live: bool) -> Row:
    approval = approval or approval_of(version, environment)
    answer = gate.present(version, environment, approval=approval, is_live=is_live)
    notice = notice_of(approval.under_way) if answer.allowed and approval.under_way else ""
    held = answer.attestation
    until = held.expires_at if answer.allowed and held and held.is_current else None
    download = reverse("governance:attestation", args=[version.pk, environment]) if held else ""
    return Row(label_of(environment), answer.allowed, answer.reasons, until, download, notice)
