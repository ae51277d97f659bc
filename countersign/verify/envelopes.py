"""Signed statements that stand alone: in-toto Statements v1 in DSSE envelopes, checked against a pinned Ed25519 key.

Formats: https://github.com/in-toto/attestation/tree/main/spec/v1 and https://github.com/secure-systems-lab/dsse, protocol v1.0.2.
"""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from countersign.verify import limits
from countersign.verify.canonical import parse_json
from countersign.verify.encoding import strict_base64
from countersign.verify.outcome import Refused

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
SIGNATURE_BYTES = 64


def signed_statement(data: bytes, key: Ed25519PublicKey, *, what: str) -> dict[str, Any]:
    """The statement in the envelope that `data` is, once the pinned key's signature over it was checked.

    One of its signatures must be the pinned key's: `keyid` is a hint that anybody can write, so it decides nothing.
    """
    if len(data) > limits.ENVELOPE_BYTES:
        raise Refused(f"{what} is too large to be one.")
    envelope = parse_json(data, what=what)
    if not isinstance(envelope, dict) or not {"payload", "payloadType", "signatures"} <= set(envelope):
        raise Refused(f"{what} is no DSSE envelope.")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise Refused(f"{what} holds something else than a statement of in-toto.")
    payload = strict_base64(envelope["payload"], what=f"The payload of {_inside(what)}")
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= limits.SIGNATURES:
        raise Refused(f"{what} does not have 1 to {limits.SIGNATURES} signatures.")
    kind = PAYLOAD_TYPE.encode()
    signed = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    if not any(_is_by(key, signed, one, what) for one in signatures):
        raise Refused(f"{what} is not signed with the attestation key that the trust file pins.")
    statement = parse_json(payload, what=f"The statement in {_inside(what)}")
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise Refused(f"{what} holds no in-toto Statement of version 1.")
    return statement


def _is_by(key: Ed25519PublicKey, signed: bytes, one: object, what: str) -> bool:
    if not isinstance(one, dict):
        raise Refused(f"A signature of {_inside(what)} is no object.")
    signature = strict_base64(one.get("sig"), what=f"A signature of {_inside(what)}")
    if len(signature) != SIGNATURE_BYTES:
        return False  # another kind of key's
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def _inside(what: str) -> str:
    return what[:1].lower() + what[1:]
