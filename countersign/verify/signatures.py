"""The record of one signature, checked alone; the format stands in docs/reference/signature-record.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature

from countersign.verify.canonical import canonical_bytes, parse_canonical, parse_json
from countersign.verify.encoding import digest_of, is_digest, strict_base64
from countersign.verify.outcome import Item, NotChecked, Refused, Verification
from countersign.verify.trust import Trust

FORMAT = "countersign-signature/1"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:countersign:signature:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
DOMAIN = b"countersign/private/v1\n"
FILE_BYTES = 8 << 20
DISCLOSED = 200
MOMENT = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d\.\d{6}Z")
OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")
VERDICTS = {
    "sign_off": ("approve", "approve_with_conditions", "request_changes", "reject"),
    "withdrawal": ("withdraw",),
    "condition_answer": ("met", "not_met"),
    "emergency_release": ("release",),
}
TEXTS = ("kind", "signature", "signer", "role", "team", "verdict", "meaning", "signed_at", "local_offset", "text", "review")
MORE_TEXTS = ("environment", "session", "on_behalf_of", "delegation")
DELEGATOR = "{delegator}"  # where the delegator's name stands in the words, which hold a commitment to it instead


@dataclass(frozen=True)
class Record:
    """One record, taken apart."""

    payload: bytes
    payload_type: str
    key_id: str
    signature: bytes
    predicate: dict[str, Any]
    subjects: list[dict[str, Any]]
    disclosed: list[dict[str, Any]]
    withdrawal: dict[str, Any] | None


def verify_signature(data: bytes, trust: Trust | None) -> Verification:
    """What can be said of the record in `data`: each item alone, in a fixed order."""
    items: list[Item] = []
    record: Record | None = None

    def look(name: str, check: Callable[[], str]) -> bool:
        try:
            items.append(Item(name, "verified", check()))
        except NotChecked as why:
            items.append(Item(name, "not checked", str(why)))
        except Refused as why:
            items.append(Item(name, "failed", str(why)))
            return False
        return True

    def shape() -> str:
        nonlocal record
        record = _read(data)
        return f"A {record.predicate['kind'].replace('_', ' ')} by {record.predicate['signer']}."

    if not look("record", shape) or record is None:
        return Verification(items)
    read = record
    look("site's signature", lambda: _require_signature(read, trust))
    look("what was signed", lambda: _require_statement(read))
    look("personal values", lambda: _require_disclosed(read))
    look("words", lambda: _words(read))
    look("still standing", lambda: _require_standing(read, trust))
    return Verification(items)


def _read(data: bytes) -> Record:
    if len(data) > FILE_BYTES:
        raise Refused("The file is too large to be a signature record.")
    return _record(parse_json(data, what="The record"), top=True)


def _record(value: Any, *, top: bool) -> Record:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Refused(f"The file is not of the format {FORMAT}.")
    allowed = {"format", "envelope", "disclosed"} | ({"withdrawal"} if top else set())
    if extra := sorted(value.keys() - allowed):
        raise Refused(f"The record has a member that no record has: {extra[0][:40]!r}.")
    envelope, disclosed, withdrawal = value.get("envelope"), value.get("disclosed"), value.get("withdrawal")
    if not isinstance(envelope, dict) or envelope.keys() != {"payload", "payloadType", "signatures"}:
        raise Refused("The envelope is no DSSE envelope: payload, payloadType and signatures.")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        raise Refused("The envelope does not carry exactly one signature.")
    if signatures[0].keys() != {"keyid", "sig"} or not isinstance(signatures[0]["keyid"], str):
        raise Refused("The signature of the envelope does not consist of keyid and sig.")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise Refused("The envelope holds something else than an in-toto Statement.")
    if not isinstance(disclosed, list) or len(disclosed) > DISCLOSED or not all(isinstance(one, dict) for one in disclosed):
        raise Refused("The record has no list of disclosed values.")
    if withdrawal is not None and not isinstance(withdrawal, dict):
        raise Refused("The withdrawal is no record.")
    payload = strict_base64(envelope["payload"], what="The payload")
    predicate, subjects = _statement(parse_canonical(payload, what="The payload"))
    signature = strict_base64(signatures[0]["sig"], what="The signature", length=64)
    return Record(payload, PAYLOAD_TYPE, signatures[0]["keyid"], signature, predicate, subjects, disclosed, withdrawal)


def _statement(value: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if not isinstance(value, dict) or value.keys() != {"_type", "subject", "predicateType", "predicate"}:
        raise Refused("The payload is no in-toto Statement.")
    if value["_type"] != STATEMENT or value["predicateType"] != PREDICATE_TYPE:
        raise Refused(f"The statement is not one of the type {PREDICATE_TYPE}.")
    predicate, subjects = value["predicate"], value["subject"]
    if not isinstance(predicate, dict) or not isinstance(subjects, list) or len(subjects) != 2:
        raise Refused("The statement does not name what was signed and its checkpoint.")
    for subject in subjects:
        digest = subject.get("digest") if isinstance(subject, dict) else None
        if not isinstance(digest, dict) or digest.keys() != {"sha256"} or not is_digest(f"sha256:{digest['sha256']}"):
            raise Refused("A subject of the statement has no SHA-256 digest.")
    for name in (*TEXTS, *MORE_TEXTS):
        if not isinstance(predicate.get(name), str):
            raise Refused(f"The signature does not say {name}.")
    _require_fields(predicate)
    return predicate, subjects


def _require_fields(predicate: dict[str, Any]) -> None:
    if predicate["verdict"] not in VERDICTS.get(predicate["kind"], ()):
        raise Refused(f"The verdict {predicate['verdict'][:40]!r} does not belong to a {predicate['kind'][:40]!r}.")
    if not MOMENT.fullmatch(predicate["signed_at"]) or not OFFSET.fullmatch(predicate["local_offset"]):
        raise Refused("The time of the signature is not one in UTC with the signer's offset.")
    record, policy, proof = predicate.get("record"), predicate.get("policy"), predicate.get("proof")
    if not isinstance(record, dict) or not is_digest(record.get("digest")) or record.get("type") != "version":
        raise Refused("The signature does not say which record it is about.")
    if not isinstance(policy, dict) or not is_digest(policy.get("digest")):
        raise Refused("The signature does not name its policy by digest.")
    methods = proof.get("methods") if isinstance(proof, dict) else None
    if not isinstance(methods, list) or "password" not in methods:
        raise Refused("The signature does not say how its signer proved who they are.")
    if not isinstance(predicate.get("roles"), list) or not isinstance(predicate.get("conditions"), list):
        raise Refused("The signature lacks the roles of its signer, or its conditions.")
    if not all(isinstance(one, dict) for one in (*predicate["roles"], *predicate["conditions"])):
        raise Refused("A role of the signer, or a condition, is no object.")
    if not predicate["text"] or not isinstance(predicate.get("statement"), dict):
        raise Refused("The signature lacks the words or the statement that were signed.")
    _require_delegation(predicate)


def _require_delegation(predicate: dict[str, Any]) -> None:
    """Signed on behalf of another, a record names that person, the delegation and the place of the name; else none of these."""
    behalf, delegation, name = predicate["on_behalf_of"], predicate["delegation"], predicate.get("delegator")
    if not behalf and not delegation and name is None:
        return
    if not behalf or not delegation or not isinstance(name, dict) or name.keys() != {"commitment"}:
        raise Refused("The signature is on behalf of another, but does not say of whom and by which delegation.")
    if predicate["kind"] != "sign_off" or DELEGATOR not in predicate["text"]:
        raise Refused("The signature is on behalf of another, but its words do not say so.")
    if behalf == predicate["signer"]:
        raise Refused("The signature is on behalf of its own signer.")


def _require_signature(record: Record, trust: Trust | None) -> str:
    if trust is None:
        raise NotChecked("No trust file was given, so nobody knows whose key this should be. Give one with --trust.")
    if trust.attestation_key is None:
        raise NotChecked("The trust file pins no attestation_key. Fetch a new one from the site, over a way that you trust.")
    if record.key_id != trust.attestation_key_id:
        raise Refused(f"The record names another key than the pinned one ({record.key_id[:80]}).")
    kind = record.payload_type.encode()
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(record.payload), record.payload)
    try:
        trust.attestation_key.verify(record.signature, signed)
    except InvalidSignature:
        raise Refused("The pinned key did not sign exactly this record.") from None
    return f"Signed by the key that {trust.site} is trusted with."


def _require_statement(record: Record) -> str:
    statement, digest = record.predicate["statement"], record.predicate["record"]["digest"]
    if digest_of(canonical_bytes(statement)) != digest:
        raise Refused("The statement that was signed does not have the digest that the signature names.")
    checkpoint, signed = (f"sha256:{subject['digest']['sha256']}" for subject in record.subjects)
    if signed != digest or statement.get("checkpoint") != checkpoint:
        raise Refused("The subjects of the statement are not the checkpoint and the digest that were signed.")
    about = record.predicate
    if statement.get("version") != about["record"].get("id") or statement.get("review") != about["review"]:
        raise Refused("The statement that was signed is about another version or another review.")
    if statement.get("policy") != about["policy"]["digest"] or statement.get("environment") != about["environment"]:
        raise Refused("The statement that was signed names another policy or environment.")
    return f"Its parts have the digest {digest}; the checkpoint is {checkpoint}."


def _require_disclosed(record: Record) -> str:
    held = dict(_commitments(record.predicate))
    shown: set[str] = set()
    for one in record.disclosed:
        if one.keys() != {"place", "salt", "value"} or not all(isinstance(each, str) for each in one.values()):
            raise Refused("A disclosed value does not consist of place, salt and value.")
        place, path = one["place"], one["place"].rsplit("/", 1)[-1]
        if place in shown or place not in held:
            raise Refused(f"The record discloses {place[:60]!r}, to which nothing is committed, or it does so twice.")
        salt = strict_base64(one["salt"], what="A salt", length=32)
        if digest_of(DOMAIN + salt + canonical_bytes([path, one["value"]])) != held[place]:
            raise Refused(f"The {place} that is shown is not the one that was signed.")
        shown.add(place)
    if missing := sorted(held.keys() - shown):
        return f"{len(shown)} shown; withheld or erased: {', '.join(missing)}."
    return f"{len(shown)} shown, each the one that was signed."


def _commitments(predicate: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every place of the predicate that holds a commitment, and the commitment."""
    named = [("", predicate)]
    named += [(f"conditions/{number}/", one) for number, one in enumerate(predicate["conditions"]) if isinstance(one, dict)]
    for place, fields in named:
        for name, value in fields.items():
            if isinstance(value, dict) and value.keys() == {"commitment"}:
                if not is_digest(value["commitment"]):
                    raise Refused(f"The commitment at {place}{name} is no digest.")
                yield place + name, value["commitment"]


def _words(record: Record) -> str:
    about = record.predicate
    name, role, meaning = _name(record, "name"), about["role"].replace("_", " "), about["meaning"].replace("_", " ")
    when = f"{about['signed_at']} (signer's offset {about['local_offset']})"
    text, behalf = about["text"], ""
    if about["on_behalf_of"]:
        delegator = _name(record, "delegator")
        text = text.replace(DELEGATOR, delegator, 1)
        behalf = f", on behalf of {delegator} ({about['on_behalf_of']}) by delegation {about['delegation']}"
    return f"{name}, {role}{behalf}, {when}, meaning {meaning}: “{text}”"


def _name(record: Record, place: str) -> str:
    names = [one["value"] for one in record.disclosed if one.get("place") == place]
    return names[0] if names and isinstance(names[0], str) else "(name withheld or erased)"


def _require_standing(record: Record, trust: Trust | None) -> str:
    if record.withdrawal is None:
        return (
            "This file holds no withdrawal. Whether one came later, or the version changed since, only the site or a report says."
        )
    later = _record(record.withdrawal, top=False)
    about = later.predicate.get("about")
    if later.predicate["kind"] != "withdrawal" or not isinstance(about, dict):
        raise Refused("What is given as the withdrawal of the signature is none.")
    if about.get("signature") != record.predicate["signature"] or later.predicate["signer"] != record.predicate["signer"]:
        raise Refused("The withdrawal is about another signature, or by another person.")
    _require_signature(later, trust)
    raise Refused(f"Its signer took this signature back on {later.predicate['signed_at']}: do not rely on it.")
