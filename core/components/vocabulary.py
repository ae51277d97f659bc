"""One look for each state: an icon, a word and a tone, each axis apart. Nothing unknown or missing is ever green."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Look(NamedTuple):
    icon: str  # a lucide name
    word: str | Promise
    tone: str  # ok | bad | warn | info | idle


UNKNOWN = Look("circle-question-mark", "", "idle")
MISSING = Look("circle-dashed", _("Not recorded"), "idle")

_JOB = {
    "queued": Look("hourglass", _("Queued"), "idle"),
    "running": Look("loader", _("Running"), "info"),
    "errored": Look("power-off", _("Could not finish"), "warn"),
    "cancelled": Look("circle-slash", _("Cancelled"), "idle"),
}

AXES: dict[str, dict[str, Look]] = {
    "version": {
        "draft": Look("circle-dashed", _("Draft"), "idle"),
        "submitted": Look("send", _("Submitted"), "info"),
        "in_review": Look("circle-dot", _("In review"), "info"),
        "approved": Look("circle-check", _("Approved"), "ok"),
        "approved_with_conditions": Look("badge-check", _("Approved with conditions"), "warn"),
        "changes_requested": Look("message-square-warning", _("Changes requested"), "warn"),
        "rejected": Look("circle-x", _("Rejected"), "bad"),
        "withdrawn": Look("undo-2", _("Withdrawn"), "idle"),
        "suspended": Look("octagon-pause", _("Suspended"), "bad"),
        "retired": Look("archive", _("Retired"), "idle"),
    },
    "release": {
        "live": Look("rocket", _("Live"), "ok"),
        "superseded": Look("layers", _("Superseded"), "idle"),
        "rolled_back": Look("undo-2", _("Rolled back"), "idle"),
        "revoked": Look("ban", _("Revoked"), "bad"),
    },
    "change_envelope": {
        "proposed": Look("signature", _("Waiting for signatures"), "info"),
        "active": Look("badge-check", _("In force"), "ok"),
        "withdrawn": Look("undo-2", _("Withdrawn"), "idle"),
        "revoked": Look("ban", _("Revoked"), "bad"),
        "expired": Look("clock-alert", _("Expired"), "warn"),
    },
    "condition": {
        "open": Look("circle-dot", _("Open"), "info"),
        "reported": Look("send", _("Reported met"), "info"),
        "met": Look("circle-check", _("Met"), "ok"),
        "missed": Look("clock-alert", _("Missed"), "bad"),
    },
    # Flags are computed, carry a reason beside them, and are never a state.
    "flag": {
        "blocked": Look("octagon-x", _("Blocked"), "bad"),
        "stale": Look("unlink", _("Stale"), "warn"),
        "overdue": Look("clock-alert", _("Overdue"), "bad"),
        "pii": Look("users", _("Personal data"), "warn"),
        "claimed": Look("circle-dashed", _("Claimed"), "idle"),
        "unverified": Look("circle-dashed", _("Not verified"), "idle"),
        "contaminated": Look("triangle-alert", _("Not verified"), "warn"),
        "verified": Look("badge-check", _("Verified"), "ok"),
        "allowed": Look("circle-check", _("Allowed"), "ok"),
        "refused": Look("ban", _("Refused"), "bad"),
        "current": Look("circle-check", _("Current"), "ok"),
        "active": Look("shield-check", _("Active"), "ok"),
        "locked": Look("lock", _("Fixed"), "idle"),
    },
    "key": {
        "active": Look("key", _("Active"), "ok"),
        "expired": Look("clock", _("Expired"), "idle"),
        "revoked": Look("ban", _("Revoked"), "idle"),
    },
    "tier": {
        "low": Look("chevron-down", _("Minimal risk"), "idle"),
        "medium": Look("minus", _("Limited risk"), "info"),
        "high": Look("chevron-up", _("High risk"), "warn"),
    },
    "check": {
        "passed": Look("circle-check", _("Passed"), "ok"),
        "failed": Look("circle-x", _("Failed"), "bad"),
        "inconclusive": Look("scale", _("Inconclusive"), "warn"),
        "warning": Look("triangle-alert", _("Warning"), "warn"),
        "running": Look("loader", _("Running"), "info"),
        "waiting": Look("hourglass", _("Waiting"), "idle"),
        "queued": Look("hourglass", _("Waiting"), "idle"),
        "skipped": Look("circle-slash", _("Skipped"), "idle"),
        "not_run": Look("circle-slash", _("Not run"), "warn"),
        "errored": Look("power-off", _("Could not run"), "warn"),
    },
    "effect": {
        "blocks": Look("octagon-x", _("Blocks"), "warn"),
        "informs": Look("info", _("Informs"), "idle"),
    },
    "limit": {
        "within": Look("circle-check", _("Within"), "ok"),
        "outside": Look("circle-x", _("Outside"), "bad"),
    },
    "evaluation": {
        **_JOB,
        "completed": Look("circle-dot", _("Completed"), "info"),
        "repeat": Look("repeat", _("Repeat"), "info"),
    },
    "inspection": {
        **_JOB,
        "completed": Look("circle-dot", _("Completed"), "info"),
        "accepted": Look("file-check", _("Accepted"), "ok"),
        "salvageable": Look("triangle-alert", _("Salvageable"), "warn"),
        "refused": Look("ban", _("Refused"), "bad"),
    },
    # What a client reported of its own training: claimed, so none of it is ever green.
    "training": {
        "running": Look("loader", _("Running"), "info"),
        "silent": Look("clock-alert", _("Not heard from"), "warn"),
        "finished": Look("circle-dot", _("Finished"), "idle"),
        "failed": Look("circle-x", _("Failed"), "bad"),
        "killed": Look("octagon-pause", _("Stopped"), "warn"),
        "hidden": Look("eye-off", _("Hidden"), "idle"),
    },
    "report": {**_JOB, "completed": Look("file-badge", _("Signed"), "ok")},
    "review": {
        "open": Look("circle-dot", _("Open"), "info"),
        "concluded": Look("circle-check", _("Concluded"), "idle"),
        "withdrawn": Look("undo-2", _("Withdrawn"), "idle"),
        "expired": Look("clock-alert", _("Expired"), "bad"),
        "overdue": Look("clock-alert", _("Overdue"), "bad"),
    },
    "code": {
        "approved": Look("circle-check", _("Code approved"), "ok"),
        "changes_requested": Look("message-square-warning", _("Changes requested"), "warn"),
        "hosted": Look("external-link", _("Approved at its host"), "info"),
    },
    "comment": {
        "open": Look("message-square", _("Not resolved"), "warn"),
        "resolved": Look("check", _("Resolved"), "ok"),
    },
    "question": {
        "open": Look("message-circle-question-mark", _("Open question"), "warn"),
        "answered": Look("message-square-reply", _("Answered"), "ok"),
    },
    "verdict": {
        "approve": Look("circle-check", _("Approve"), "ok"),
        "approve_with_conditions": Look("badge-check", _("Approve with conditions"), "warn"),
        "taken_back": Look("undo-2", _("Taken back"), "idle"),
        "request_changes": Look("message-square-warning", _("Request changes"), "warn"),
        "reject": Look("ban", _("Reject"), "bad"),
        "waiting": Look("hourglass", _("Waiting"), "idle"),
        "not_asked": Look("circle-slash", _("No longer asked"), "idle"),
    },
    "control": {
        "met": Look("shield-check", _("Met"), "ok"),
        "not_met": Look("shield-x", _("Not met"), "bad"),
        "partly_met": Look("shield-alert", _("Partly met"), "warn"),
        "not_assessed": Look("circle-dashed", _("Not assessed"), "idle"),
        "not_applicable": Look("minus", _("Not applicable"), "idle"),
        "exception": Look("scale", _("Accepted exception"), "warn"),
        "excepted": Look("scale", _("Excepted"), "warn"),
    },
    "evidence": {
        "current": Look("file-check", _("Current"), "info"),
        "valid": Look("file-check", _("Valid"), "ok"),
        "expiring": Look("calendar-clock", _("Expiring"), "warn"),
        "expired": Look("file-x", _("Expired"), "bad"),
        "upcoming": Look("calendar-clock", _("Not yet valid"), "warn"),
        "superseded": Look("layers", _("Superseded"), "idle"),
        "withdrawn": Look("undo-2", _("Withdrawn"), "idle"),
        "missing": Look("file-x", _("Missing"), "bad"),
        "flagged": Look("flag", _("Flagged by auditor"), "warn"),
    },
    "integrity": {
        "verified": Look("lock", _("Verified"), "ok"),
        "sealed": Look("lock", _("Sealed"), "ok"),
        "not_checked": Look("circle-pause", _("Not checked"), "idle"),
        "pending": Look("circle-pause", _("Not yet sealed"), "idle"),
        "broken": Look("link-2-off", _("Broken"), "bad"),
        "failed": Look("link-2-off", _("Failed"), "bad"),
    },
    "alert": {
        "open": Look("bell-ring", _("Open"), "bad"),
        "acknowledged": Look("eye", _("Acknowledged"), "warn"),
        "closed": Look("circle-check", _("Closed"), "idle"),
    },
    "import": {
        "new": Look("plus", _("New"), "ok"),
        "changed": Look("pen-line", _("Changed"), "info"),
        "unchanged": Look("equal", _("Unchanged"), "idle"),
        "refused": Look("circle-x", _("Refused"), "bad"),
    },
    "finding": {
        "open": Look("circle-dot", _("Open"), "bad"),
        "in_progress": Look("hammer", _("In progress"), "warn"),
        "ready_for_retest": Look("test-tube", _("Ready for retest"), "info"),
        "closed": Look("circle-check", _("Closed"), "idle"),
        "accepted": Look("scale", _("Risk accepted"), "warn"),
    },
    "severity": {
        "critical": Look("octagon-alert", _("Critical"), "bad"),
        "high": Look("chevron-up", _("High"), "warn"),
        "medium": Look("minus", _("Medium"), "info"),
        "low": Look("chevron-down", _("Low"), "idle"),
    },
    "exception": {
        "requested": Look("hourglass", _("Requested"), "info"),
        "approved": Look("scale", _("Stands"), "warn"),
        "refused": Look("ban", _("Refused"), "idle"),
        "revoked": Look("undo-2", _("Revoked"), "idle"),
        "expired": Look("clock-alert", _("Expired"), "bad"),
    },
    "delegation": {
        "offered": Look("hourglass", _("Offered"), "info"),
        "accepted": Look("user-round-pen", _("Accepted"), "ok"),
        "to_come": Look("calendar-clock", _("Accepted, not begun"), "info"),
        "in_force": Look("user-round-pen", _("In force"), "ok"),
        "declined": Look("ban", _("Declined"), "idle"),
        "ended": Look("undo-2", _("Ended"), "idle"),
        "expired": Look("clock-alert", _("Expired"), "idle"),
    },
    "webhook": {
        "active": Look("webhook", _("Active"), "ok"),
        "stopped": Look("webhook-off", _("Stopped"), "warn"),
    },
    "delivery": {
        "delivered": Look("circle-check", _("Delivered"), "ok"),
        "failed": Look("rotate-ccw", _("Failed, tried again"), "warn"),
        "given_up": Look("circle-x", _("Given up"), "bad"),
    },
    "dataset": {
        "draft": Look("circle-dashed", _("Draft"), "idle"),
        "registered": Look("file-lock", _("Registered"), "info"),
    },
    "riskassessment": {
        "draft": Look("circle-dashed", _("Draft"), "idle"),
        "active": Look("file-check", _("In force"), "info"),
        "archived": Look("archive", _("Archived"), "idle"),
    },
    "policy": {
        "draft": Look("circle-dashed", _("Draft"), "idle"),
        "published": Look("file-lock", _("Published"), "info"),
        "in_force": Look("file-check", _("In force"), "ok"),
        "withdrawn": Look("undo-2", _("Withdrawn"), "idle"),
    },
    "pii": {
        "yes": Look("users", _("Personal data"), "warn"),
        "no": Look("minus", _("None found"), "idle"),
        "unknown": Look("circle-question-mark", _("Not known"), "warn"),
    },
}


def look_of(axis: str, state: object) -> Look:
    """The look of `state` on `axis`. An axis that does not exist is a programming error; a state that has no look
    shows its own name in grey, so that a new state is visible and never green."""
    looks = AXES[axis]
    name = str(getattr(state, "value", state) or "")
    if not name:
        return MISSING
    return looks.get(name) or UNKNOWN._replace(word=name.replace("_", " ").capitalize())
