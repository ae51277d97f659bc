"""The gate's answers as signed statements: SLSA Verification Summary Attestations that a deployment checks without the site.

Format: https://slsa.dev/spec/v1.2/verification_summary; the fields of our own are named by URIs beneath the site's address.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from core import clock
from core.canonical import sha256_of
from governance import events
from governance.approvals import Approval, approval_of
from governance.emergencies import emergency_of
from governance.models import UNMET, Attestation, EmergencyApproval, Release
from ledger.actors import CLOCK
from ledger.acts import Act, act
from ledger.attesting import envelope_of, statement_of
from ledger.models import Entry
from models_registry.models import Version

PREDICATE = "https://slsa.dev/verification_summary/v1"
SLSA = "1.2"
PASSED, FAILED = Attestation.Result.PASSED, Attestation.Result.FAILED


def verifier_id() -> str:
    """Who says so, by the name that a deployment pins along with the key."""
    return f"{settings.SITE_URL}/gate/v1"


def name_of(field: str) -> str:
    """The URI of a field that SLSA does not know."""
    return f"{settings.SITE_URL}/ns/{field}"


def basis_of(approval: Approval, emergency: EmergencyApproval | None = None) -> str:
    """The digest of all that an allowed answer rests on: what was signed, by which signatures, under which open conditions, and
    the emergency that stands in for signatures."""
    signatures = sorted(str(one.pk) for standing in approval.steps for one in standing.counted)
    conditions = {"conditions": _conditions(approval)} if _conditions(approval) else {}
    standing = {"standing": approval.standing.decision.digest} if approval.standing else {}
    instead = {"emergency": str(emergency.pk)} if emergency else {}
    return sha256_of({"approval": approval.digest, "signatures": signatures, **conditions, **standing, **instead})


def usable(
    version: Version, environment: str, approval: Approval, emergency: EmergencyApproval | None = None
) -> Attestation | None:
    """The latest attestation, where it still says the same and less than half of its life is over."""
    latest = Attestation.objects.latest_of(version.pk, environment)
    if latest is None or latest.result != PASSED or latest.expires_at is None or latest.basis != basis_of(approval, emergency):
        return None
    half = latest.made_at + (latest.expires_at - latest.made_at) / 2
    return latest if clock.now() < half else None


def lock(version: Version, environment: str) -> bool:
    """Whether the version is live there, and until this act ends no release of it there ends and nobody suspends it.

    The version's row comes first, as in every suspension; it is held weakly, so that rows which only name it can be written.
    """
    Version.objects.select_for_update(of=("self",), no_key=True).get(pk=version.pk)
    live = Release.objects.live().filter(version=version, environment=environment).select_for_update(of=("self",))
    return live.first() is not None


def issue(
    version: Version, environment: str, approval: Approval, *, emergency: EmergencyApproval | None = None, within: Act
) -> Attestation:
    """It is certified that the version may run there. The caller holds `lock` and has found it allowed under it."""
    held = usable(version, environment, approval, emergency)
    if held is not None:  # somebody else asked at the same moment
        return held
    ends = emergency.ends_at if emergency else holds_until(approval)
    life = timedelta(seconds=settings.ATTESTATION_SECONDS)
    now = clock.now()
    expires = min(now + life, ends) if ends else now + life
    assert approval.policy is not None  # noqa: S101 - an approval that holds was given under one
    predicate = _summary(version, environment, now) | {
        "policy": {"uri": _policy_uri(approval), "digest": _digest(approval.policy.digest)},
        "inputAttestations": _inputs(version, approval),
        "verificationResult": str(PASSED),
        "verifiedLevels": [f"COUNTERSIGN_{'EMERGENCY' if emergency else 'APPROVED'}_{version.model.risk_tier.upper()}"],
        name_of("expires"): clock.stamp(expires),
        name_of("conditions"): _conditions(approval),
        name_of("signatures"): _signatures(approval),
        **_standing(approval),
    }
    if emergency:
        predicate[name_of("emergency")] = _emergency(emergency)
    kept = {"result": PASSED, "basis": basis_of(approval, emergency), "expires_at": expires, "holds_until": ends}
    return _keep(version, environment, predicate, now, within=within, **kept)


def take_back(version: Version, environment: str, *, reasons: list[str], within: Act) -> None:
    """What the gate certified last about the version there is FAILED from now on; nothing where it certified nothing."""
    latest = Attestation.objects.latest_of(version.pk, environment)
    if latest is None or latest.result == FAILED:
        return
    now = clock.now()
    predicate = _summary(version, environment, now) | {
        "policy": predicate_of(latest)["policy"],
        "verificationResult": str(FAILED),
        "verifiedLevels": [str(FAILED)],
        name_of("reasons"): reasons,
    }
    _keep(version, environment, predicate, now, within=within, result=FAILED, basis="", expires_at=None, holds_until=None)


def take_back_what_ran_out() -> None:
    """No attestation that somebody may still rely on says PASSED about an approval that no longer holds."""
    now = clock.now()
    # Those that have run out by themselves allow nothing any more: they are looked at when their approval runs out, too.
    relied_on = Q(expires_at__gt=now) | Q(holds_until__lte=now)
    for key in Attestation.objects.newest().filter(relied_on, result=PASSED).order_by("number").values_list("pk", flat=True):
        one = Attestation.objects.select_related("version__model__team", "version__training_run").get(pk=key)
        approval = approval_of(one.version, one.environment)
        if not approval.holds and emergency_of(one.version, one.environment, approval) is None:
            _take_back_by_the_clock(one)


def _take_back_by_the_clock(one: Attestation) -> None:
    with act(CLOCK) as this:
        lock(one.version, one.environment)
        version = Version.objects.with_parts().get(pk=one.version_id)
        approval = approval_of(version, one.environment)
        if not approval.holds and emergency_of(version, one.environment, approval) is None:
            take_back(version, one.environment, reasons=approval.reasons, within=this)


def holds_until(approval: Approval) -> datetime | None:
    """When the approval runs out: under its policy, or after the day by which a condition has to be met. None: it has no end."""
    days = approval.policy.document.valid_days if approval.policy else 0
    dates = approval.signed_at
    ends = [max(dates) + timedelta(days=days)] if days and dates else []
    if approval.review is not None and approval.review.valid_until is not None:  # may have been brought forward
        ends.append(approval.review.valid_until)
    if approval.under_way is not None and approval.under_way.earlier_holds_until is not None:
        ends.append(approval.under_way.earlier_holds_until)
    due = [one.due for one in approval.conditions if one.state in UNMET]
    ends += [datetime.combine(day + timedelta(days=1), time.min, tzinfo=UTC) for day in due]
    return min(ends, default=None)


def predicate_of(attestation: Attestation) -> dict[str, Any]:
    """What it states, as SLSA's predicate."""
    return dict(json.loads(base64.b64decode(attestation.envelope["payload"]))["predicate"])


def _summary(version: Version, environment: str, now: datetime) -> dict[str, Any]:
    return {
        "verifier": {"id": verifier_id()},
        "timeVerified": clock.stamp(now),
        "resourceUri": settings.SITE_URL + version.get_absolute_url(),
        "slsaVersion": SLSA,
        name_of("environment"): environment,
    }


def _keep(
    version: Version, environment: str, predicate: dict[str, Any], now: datetime, *, within: Act, **columns: Any
) -> Attestation:
    subject = (version.checkpoint_name or "checkpoint", version.checkpoint_digest)
    envelope = envelope_of(statement_of(PREDICATE, predicate, [subject]))
    before = Attestation.objects.latest_of(version.pk, environment)
    made = Attestation.objects.create(
        version=version,
        environment=environment,
        checkpoint=version.checkpoint_digest,
        digest="sha256:" + hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest(),
        envelope=envelope,
        made_at=now,
        **columns,
    )
    expires = clock.stamp(made.expires_at) if made.expires_at else ""
    fact = events.GateAttested(
        environment=environment,
        checkpoint=made.checkpoint,
        result=str(made.result),
        digest=made.digest,
        expires=expires,
        replaces=before.digest if before else "",
    )
    within.record(fact, on=version)
    return made


def _policy_uri(approval: Approval) -> str:
    assert approval.policy is not None  # noqa: S101 - as in `issue`
    return f"{settings.SITE_URL}{reverse('governance:policies')}#{approval.policy.name}-{approval.policy.number}"


def _inputs(version: Version, approval: Approval) -> list[dict[str, Any]]:
    """All that was judged: what the signatures stand for, each signature as the log has it, each evaluation's results."""
    site = settings.SITE_URL
    statement = {"uri": site + reverse("api-approval", args=[version.pk]), "digest": _digest(approval.digest)}
    signed = [one.event for standing in approval.steps for one in standing.counted]
    signed += [one.event for one in approval.standing.signatures] if approval.standing else []
    entries = Entry.objects.filter(pk__in=signed).order_by("at", "pk").values_list("pk", "body")
    signatures = [{"uri": f"urn:uuid:{key}", "digest": {"sha256": hashlib.sha256(body).hexdigest()}} for key, body in entries]
    runs = [
        {"uri": site + reverse("api-evaluation", args=[run.pk]), "digest": _digest(run.results_digest)}
        for run, _verdict in approval.verdicts
        if run.results_digest
    ]
    return [statement, *signatures, *runs]


def _signatures(approval: Approval) -> list[dict[str, str]]:
    """Who signed, by role alone: the statement leaves the site, and a name in it could never be erased."""
    return [
        {"role": one.role, "meaning": one.meaning, "at": clock.stamp(one.signed_at), "entry": f"urn:uuid:{one.event}"}
        for standing in approval.steps
        for one in standing.counted
    ]


def _conditions(approval: Approval) -> list[dict[str, str]]:
    """The conditions that are not met yet, each with the day by which it has to be. Without their words, which are erasable."""
    return [{"condition": f"urn:uuid:{one.pk}", "due": one.due.isoformat()} for one in approval.conditions if one.state in UNMET]


def _standing(approval: Approval) -> dict[str, Any]:
    """That the approval rests on a change envelope: which limits were signed, by which roles, and the decision by them."""
    if approval.standing is None:
        return {}
    decision, signatures = approval.standing.decision, approval.standing.signatures
    said = {
        "envelope": _digest(decision.envelope.digest),
        "decision": _digest(decision.digest),
        "decidedAt": clock.stamp(decision.decided_at),
        "uri": settings.SITE_URL + reverse("api-change-envelope", args=[decision.envelope_id]),
        "signatures": [
            {"role": one.role, "meaning": one.meaning, "at": clock.stamp(one.signed_at), "entry": f"urn:uuid:{one.event}"}
            for one in signatures
        ],
    }
    return {name_of("standingApproval"): said}


def _emergency(row: EmergencyApproval) -> dict[str, str]:
    """That signatures are missing, said by role alone, and until when it may run without them."""
    return {
        "role": row.role,
        "at": clock.stamp(row.given_at),
        "until": clock.stamp(row.ends_at),
        "reviewDue": clock.stamp(row.review_due_at),
        "entry": f"urn:uuid:{row.event}",
    }


def _digest(written: str) -> dict[str, str]:
    return {"sha256": written.removeprefix("sha256:")}
