"""What the audit workspace adds to a version's pages: having a report made, and the last one that was."""

from __future__ import annotations

from django.http import HttpRequest

from audit.models import Report
from audit.permissions import can_request
from governance.parts import environment_of
from models_registry.models import Version
from models_registry.parts import Part


def overview(request: HttpRequest, version: Version) -> list[Part]:
    """The button for those who may, and the newest report for everybody who sees the version."""
    parts = []
    if version.state != Version.State.DRAFT and version.checkpoint_digest and can_request(request.user, version):
        context = {"version": version, "environment": environment_of(version)}
        parts.append(Part("actions", "audit/part_make_report.html", context))
    newest = list(Report.objects.filter(version=version).select_related("requested_by").order_by("-queued_at")[:3])
    if newest:
        parts.append(Part("more", "audit/part_reports.html", {"reports": newest}))
    return parts
