"""What a release meets in an environment of each mode: one rule for the service that releases and the page that offers it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.approvals import Approval
from governance.models import Environment
from governance.requirements.inspection import is_accepted
from models_registry.models import Version

# Nothing is released anywhere that was taken back or refused, or whose bytes nobody has looked at.
RELEASABLE = {
    *(Version.State.IN_REVIEW, Version.State.CHANGES_REQUESTED),
    *(Version.State.APPROVED, Version.State.APPROVED_WITH_CONDITIONS),
}

# What may be live without an approval, where an environment only warns or records, or in an emergency.
STOPPED_WHILE_LIVE = {Version.State.IN_REVIEW, Version.State.CHANGES_REQUESTED}


def refusing(version: Version, approval: Approval, mode: str) -> list[str]:
    """What refuses a release of the version under this mode: every reason where it prevents; where it warns or records, only
    that people decided against the version, or that the inspection did not accept its bytes."""
    if mode == Environment.Mode.PREVENT:
        return approval.reasons
    if version.state not in RELEASABLE or not is_accepted(version):
        state = version.get_state_display().lower()
        return [_("It is %(state)s. Only versions whose checkpoint was accepted are released anywhere.") % {"state": state}]
    return []


def releasable_to(version: Version, approval: Approval) -> list[str]:
    """The slugs of the environments to which the version may go now: all while the approval holds, else those that do not
    prevent. The service looks again, at the approval for the one that is chosen."""
    rows = Environment.objects.open().values_list("slug", "mode")
    return [slug for slug, mode in rows if approval.holds or (mode != "prevent" and not refusing(version, approval, mode))]
