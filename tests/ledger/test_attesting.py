"""Envelopes that leave the site: what is signed, by which key, and that nothing passes as something else."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger import attesting, signer

DIGEST = "sha256:" + "ab" * 32


def _public() -> Ed25519PublicKey:
    key = serialization.load_pem_public_key(attesting.public_key_pem().encode())
    assert isinstance(key, Ed25519PublicKey)
    return key


def _pae(kind: str, payload: bytes) -> bytes:
    """The specification's own words: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body."""
    return b" ".join([b"DSSEv1", str(len(kind)).encode(), kind.encode(), str(len(payload)).encode(), payload])


def test_an_envelope_is_verified_with_the_published_key_alone() -> None:
    statement = attesting.statement_of("https://example.com/p/v1", {"is": "so"}, [("model.pt", DIGEST)])
    envelope = attesting.envelope_of(statement)
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model.pt", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://example.com/p/v1",
        "predicate": {"is": "so"},
    }
    _public().verify(base64.b64decode(envelope["signatures"][0]["sig"]), _pae(envelope["payloadType"], payload))


def test_an_envelope_is_no_envelope_of_another_type() -> None:
    envelope = attesting.envelope_of({"is": "so"})
    payload, signature = (base64.b64decode(text) for text in (envelope["payload"], envelope["signatures"][0]["sig"]))
    for kind in ("application/json", "application/vnd.in-toto+json "):
        with pytest.raises(InvalidSignature):
            _public().verify(signature, _pae(kind, payload))


def test_the_key_is_named_by_the_digest_of_its_public_part_and_is_not_the_logs() -> None:
    der = _public().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert attesting.envelope_of({})["signatures"][0]["keyid"] == "sha256:" + hashlib.sha256(der).hexdigest()
    assert _public().public_bytes_raw() != signer.public_key()
