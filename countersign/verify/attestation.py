"""May these bytes run there? Answered offline by an attestation of the gate, trusting the pinned key alone.

Format: https://slsa.dev/spec/v1.2/verification_summary; the checks stand in the order that SLSA gives to those who consume one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from countersign.verify.encoding import is_digest
from countersign.verify.envelopes import signed_statement
from countersign.verify.outcome import NotChecked, Refused
from countersign.verify.trust import Trust

WHAT = "The attestation"
PREDICATE = "https://slsa.dev/verification_summary/v1"
LEVEL = "COUNTERSIGN_APPROVED_"
MOST_REASONS = 20
# How SLSA and Countersign write a moment: RFC 3339 in UTC.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


@dataclass(frozen=True)
class Summary:
    """What a genuine attestation says of the bytes."""

    allowed: bool
    reasons: list[str]  # why not
    resource: str
    environment: str
    policy: str
    verified_at: str
    expires: str
    levels: list[str]


def read_summary(
    data: bytes, trust: Trust, *, digest: str, environment: str, resource: str = "", now: datetime, skew: timedelta
) -> Summary:
    """What the attestation says of `digest` in `environment` at `now`.

    `Refused`: it is not genuine, or not about these bytes. A genuine one that does not allow says why in its reasons.
    """
    if trust.attestation_key is None:
        raise NotChecked("The trust file pins no attestation_key: fetch it again from the site, over a way that you trust.")
    statement = signed_statement(data, trust.attestation_key, what=WHAT)
    if statement.get("predicateType") != PREDICATE:
        raise Refused(f"{WHAT} is no SLSA verification summary.")
    _is_about(statement, digest)
    predicate = statement.get("predicate")
    if not isinstance(predicate, dict):
        raise Refused(f"{WHAT} has no predicate.")
    said = _Predicate(predicate, trust.site)
    if said.text("verifier", "id") != f"{trust.site}/gate/v1":
        raise Refused(f"{WHAT} was not given by the gate of {trust.site}.")
    found = said.text("resourceUri")
    if not found.startswith(f"{trust.site}/"):
        raise Refused(f"{WHAT} is about something that does not stand at {trust.site}.")
    reasons = _reasons(said, environment=environment, resource=resource, found=found, now=now, skew=skew)
    return Summary(
        allowed=not reasons,
        reasons=reasons,
        resource=found,
        environment=said.own("environment"),
        policy=said.text("policy", "uri"),
        verified_at=said.text("timeVerified"),
        expires=said.own("expires") if said.passed else "",
        levels=said.levels,
    )


class _Predicate:
    """The predicate, read strictly: what is missing or of another kind is refused in one sentence."""

    def __init__(self, raw: dict[str, Any], site: str) -> None:
        self._raw, self._site = raw, site

    @property
    def passed(self) -> bool:
        result = self.text("verificationResult")
        if result not in {"PASSED", "FAILED"}:
            raise Refused(f"{WHAT} says neither PASSED nor FAILED.")
        return result == "PASSED"

    @property
    def levels(self) -> list[str]:
        levels = self._raw.get("verifiedLevels")
        if not isinstance(levels, list) or not all(isinstance(one, str) for one in levels):
            raise Refused(f"{WHAT} does not list the levels that were verified.")
        return levels

    @property
    def why_not(self) -> list[str]:
        reasons = self._raw.get(f"{self._site}/ns/reasons", [])
        return [one for one in reasons if isinstance(one, str)][:MOST_REASONS] if isinstance(reasons, list) else []

    def text(self, *path: str) -> str:
        value: Any = self._raw
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if not isinstance(value, str) or not value:
            raise Refused(f"{WHAT} does not say {'.'.join(path)}.")
        return value

    def own(self, field: str) -> str:
        """A field that SLSA does not know, named by a URI beneath the site."""
        value = self._raw.get(f"{self._site}/ns/{field}")
        if not isinstance(value, str) or not value:
            raise Refused(f"{WHAT} does not say {field}.")
        return value

    def moment(self, written: str) -> datetime:
        try:
            if not _MOMENT.fullmatch(written):
                raise ValueError
            return datetime.fromisoformat(written).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Refused(f"{WHAT} states a time that is none.") from None


def _is_about(statement: dict[str, Any], digest: str) -> None:
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise Refused(f"{WHAT} is not about exactly one file.")
    named = subjects[0].get("digest")
    found = f"sha256:{named.get('sha256')}" if isinstance(named, dict) else ""
    if not is_digest(found):
        raise Refused(f"{WHAT} names its file by no digest that is understood here.")
    if found != digest:
        raise Refused(f"{WHAT} is about other bytes: {found}.")


def _reasons(said: _Predicate, *, environment: str, resource: str, found: str, now: datetime, skew: timedelta) -> list[str]:
    """Every reason why a genuine attestation does not allow."""
    reasons = []
    made = said.moment(said.text("timeVerified"))
    if not said.passed:
        reasons += said.why_not or ["The gate does not allow these bytes."]
    elif not any(level.startswith(LEVEL) for level in said.levels):
        reasons.append("It certifies no approval.")
    if said.own("environment") != environment:
        reasons.append(f"It was given for {said.own('environment')}, not for {environment}.")
    if resource and resource != found:
        reasons.append(f"It was given for {found}, not for {resource}.")
    if said.passed and now >= said.moment(said.own("expires")) + skew:
        reasons.append(f"It ran out at {said.own('expires')}; ask the gate for a new one.")
    if now < made - skew:
        reasons.append(f"It was given at {said.text('timeVerified')}, which is still to come by this machine's clock.")
    return reasons
