"""The record of one signature: an in-toto Statement in a DSSE envelope that anybody can verify alone.

Names and free words stand in it as salted commitments, the same as in the log's event; the values lie beside it, so that they
can be erased while record and log stay verifiable. Every field: docs/reference/signature-record.md.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Membership, Person
from accounts.services.proof import Proof
from core import clock
from governance.models import Delegation, Policy, Review, SignOff
from governance.signed_words import ACCOUNTABILITY_VERSION
from ledger import attesting
from ledger.events import Private
from ledger.models import PrivateValue
from ledger.private import commitment, new_salt
from models_registry.models import Version

# A name of our own kind, not an address: a site's address changes and differs, and nothing need answer there.
PREDICATE_TYPE = "urn:countersign:signature:v1"
FORMAT = "countersign-signature/1"


@dataclass(frozen=True)
class Signing:
    """What one signature says, before it is put into its envelope."""

    kind: str  # sign_off, withdrawal, condition_answer
    id: UUID
    signer: Person
    role: str
    verdict: str
    meaning: str
    text: str
    at: datetime
    proof: Proof
    version: Version
    review: Review
    digest: str  # of the statement that is signed
    step: int = 0
    session: str = ""
    statement: dict[str, Any] = field(default_factory=dict)
    private: dict[str, Private] = field(default_factory=dict)
    conditions: Sequence[dict[str, Any]] = ()
    about: dict[str, str] = field(default_factory=dict)  # what an answer or a withdrawal is about
    holder: Person | None = None  # who holds the role, where that is not the signer
    delegation: Delegation | None = None  # by which the signer signs on behalf of its delegator


def hidden(value: str, *, of: Person | None = None) -> Private:
    """A personal value whose commitment the event and the record share; `of` whom it is, where it is not the signer's."""
    return Private(value, salt=new_salt(), of=str(of.pk) if of else "")


def committed(path: str, value: Private) -> dict[str, str]:
    return {"commitment": commitment(path, value.value, salt=value.salt)}


def offset_of(person: Person, moment: datetime) -> str:
    """The signer's own offset from UTC at that moment, as +09:00."""
    minutes = round((moment.astimezone(person.zone).utcoffset() or moment.utcoffset()).total_seconds() / 60)  # type: ignore[union-attr]  # aware
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def team_of(person: Person, role: str, version: Version) -> UUID | None:
    """The team through which the role is held: the model's own where it is held there, else none (it is held everywhere)."""
    team: UUID = version.model.team_id
    return team if Membership.objects.filter(person=person, role=role, team=team).exists() else None


def envelope_of(signing: Signing) -> dict[str, Any]:
    """The signature's record, signed by this site."""
    version = signing.version
    subjects = [(str(version), version.checkpoint_digest), ("what was signed", signing.digest)]
    return attesting.envelope_of(attesting.statement_of(PREDICATE_TYPE, _predicate(signing), subjects))


def payload_digest(envelope: dict[str, Any]) -> str:
    """The digest by which an event names the record."""
    return "sha256:" + hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()


def _predicate(signing: Signing) -> dict[str, Any]:
    version, review, policy = signing.version, signing.review, signing.review.policy
    held = Membership.objects.filter(person=signing.signer).order_by("role", "team")
    return {
        "kind": signing.kind,
        "signature": str(signing.id),
        "signer": str(signing.signer.pk),
        **{path: committed(path, value) for path, value in signing.private.items()},
        "roles": [{"role": one.role, "team": str(one.team_id or "")} for one in held],
        "role": signing.role,
        "team": str(team_of(signing.holder or signing.signer, signing.role, version) or ""),
        "step": signing.step,
        "verdict": signing.verdict,
        "meaning": signing.meaning,
        "signed_at": clock.stamp(signing.at),
        "local_offset": offset_of(signing.signer, signing.at),
        "text": signing.text,
        "record": {"type": "version", "id": str(version.pk), "number": version.number, "digest": signing.digest},
        "review": str(review.pk),
        "environment": review.environment,
        "statement": signing.statement,
        "policy": _policy(policy),
        "conditions": list(signing.conditions),
        "proof": {"methods": list(signing.proof.methods), "at": clock.stamp(signing.proof.at)},
        "session": signing.session,
        "accountability": ACCOUNTABILITY_VERSION,
        "on_behalf_of": str(signing.delegation.delegator_id) if signing.delegation else "",
        "delegation": str(signing.delegation.pk) if signing.delegation else "",
        "about": signing.about,
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {"id": str(policy.pk), "name": policy.name, "number": policy.number, "digest": policy.digest}


def file_of(signed: SignOff) -> dict[str, Any]:
    """The record as it is handed out: the envelope, and whichever personal values were not erased since."""
    found = record(signed.envelope or {}, {"": signed.event, **_condition_events(signed)})
    if signed.is_withdrawn:
        found["withdrawal"] = record(signed.withdrawal.envelope, {"": signed.withdrawal.event})
    return found


def record(envelope: dict[str, Any], events: dict[str, UUID]) -> dict[str, Any]:
    """`events` maps a place in the predicate to the event whose private values belong there."""
    places = {event: place for place, event in events.items()}
    values = PrivateValue.objects.filter(event_id__in=places).order_by("event_id", "path")
    return {
        "format": FORMAT,
        "envelope": envelope,
        "disclosed": [
            {"place": places[one.event_id] + one.path, "salt": base64.b64encode(bytes(one.salt)).decode(), "value": one.value}
            for one in values
        ],
    }


def _condition_events(signed: SignOff) -> dict[str, UUID]:
    rows = signed.conditions.order_by("number").values_list("event", flat=True)
    return {f"conditions/{number}/": event for number, event in enumerate(rows)}
