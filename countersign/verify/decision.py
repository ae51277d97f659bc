"""The decision that a report states, worked out once more from the events."""

from __future__ import annotations

import re
from typing import Any

from countersign.verify.entries import Entry
from countersign.verify.outcome import Refused
from countersign.verify.statements import REPORT, SIGN_OFF, Content, events_about, reviews_of

STATE_AFTER = {
    "version.drafted": "draft",
    "version.submitted": "submitted",
    "version.in_review": "in_review",
    "version.reopened": "in_review",
    "version.approved": "approved",
    "version.approved_with_conditions": "approved_with_conditions",
    "version.changes_requested": "changes_requested",
    "version.rejected": "rejected",
    "version.withdrawn": "withdrawn",
    "version.suspended": "suspended",
    "version.retired": "retired",
}
APPROVED = ("approved", "approved_with_conditions")
APPROVING = ("approve", "approve_with_conditions")
BLOCKED = ("blocked", "stale")  # approved once, but the approval does not hold now; the report says why
STEP = re.compile(r"(?P<role>[a-z_]+) x(?P<quorum>[1-9][0-9]{0,2})(?::.*)?", re.DOTALL)
# Asked for only while personal data are known to reach the version, which may change after the review was opened.
CONDITIONAL_ROLE = "data_protection_officer"


def require_decision(content: Content, entries: dict[int, Entry]) -> str:
    """Return, with a summary, only if the stated decision is the one that follows from the events."""
    about = events_about(content, entries)
    states = [(STATE_AFTER[entry.type], entry) for entry in about if entry.type in STATE_AFTER]
    if not states:
        raise Refused("No entry about the version says what was decided.")
    state, last = states[-1]
    if content.state != state:
        raise Refused(
            f"{REPORT} says that the version is {content.state}, but entry {last.index} ({last.type}) makes it {state}."
        )
    decision = content.raw["decision"]
    outcome = decision["outcome"]
    if outcome in BLOCKED:
        if not isinstance(decision.get("reasons"), list) or not decision["reasons"]:
            raise Refused(f"{REPORT} says that the version is {outcome} and gives no reason.")
    elif outcome != state:
        raise Refused(f"{REPORT} states the decision {outcome!r}, but from the events follows {state!r}.")
    _require_suspension(content, state, about)
    approvals = [entry for each, entry in states if each in APPROVED]
    signatures = _require_signatures(content, approvals[-1], entries) if approvals else 0
    signed = (
        f" The last approval (entry {approvals[-1].index}) stands on {signatures} signatures over its digest."
        if approvals
        else ""
    )
    return f"From the events follows: {state} (entry {last.index}, {last.moment}).{signed}"


def _require_suspension(content: Content, state: str, about: list[Entry]) -> None:
    stated = content.raw.get("suspension")
    suspensions = [entry for entry in about if entry.type == "version.suspended"]
    if stated is None:
        if suspensions:
            raise Refused(f"{REPORT} keeps silent about the suspension in entry {suspensions[-1].index}.")
        return
    if not suspensions or not isinstance(stated, dict):
        raise Refused(f"{REPORT} states a suspension that no entry about the version records.")
    entry = suspensions[-1]
    recorded = {"event": entry.index, "at": entry.event["at"], "type": entry.type, **entry.data}
    for name in stated.keys() & recorded.keys():
        if stated[name] != recorded[name]:
            raise Refused(f"{REPORT} states another {name} of the suspension than entry {entry.index} does.")


def _require_signatures(content: Content, approval: Entry, entries: dict[int, Entry]) -> int:
    """How many people approved what the approval stands on, if the steps of its review are met and no submitter signed."""
    digest, review = approval.data.get("digest"), approval.data.get("review")
    reviews = reviews_of(content, entries)
    earlier = [entry for entry in entries.values() if entry.index < approval.index]
    signed: dict[str, set[str]] = {}
    taken_back = {entry.data.get("signature") for entry in earlier if entry.type == "sign_off.withdrawn"} - {None}
    for entry in earlier:
        on = entry.event["on"]
        mine = entry.type == SIGN_OFF and on["type"] == "review" and on["id"] in reviews
        stands = entry.data.get("signature") not in taken_back
        if mine and stands and entry.data.get("verdict") in APPROVING and entry.data.get("digest") == digest:
            signed.setdefault(str(entry.data.get("role")), set()).add(entry.actor)
    people = set().union(*signed.values())
    if not people:
        raise Refused(f"No signature in the log approves what entry {approval.index} says was approved.")
    submitters = {
        entry.actor for entry in earlier if entry.type == "version.submitted" and entry.is_about("version", content.version)
    }
    if people & submitters:
        raise Refused(f"The approval in entry {approval.index} counts a signature of the person who submitted the version.")
    for role, quorum in _steps(review, earlier):
        if role != CONDITIONAL_ROLE and len(signed.get(role, ())) < quorum:
            raise Refused(f"The approval in entry {approval.index} lacks a signature of the role {role} over what it approves.")
    return sum(len(each) for each in signed.values())


def _steps(review: Any, entries: list[Entry]) -> list[tuple[str, int]]:
    opened = [entry for entry in entries if entry.type == "review.opened" and entry.is_about("review", str(review))]
    stated = opened[-1].data.get("steps") if opened else []
    matches = [STEP.fullmatch(step) for step in stated if isinstance(step, str)] if isinstance(stated, list) else []
    return [(match["role"], int(match["quorum"])) for match in matches if match]
