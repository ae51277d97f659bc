"""Signs statements that leave the site and are verified alone: in-toto Statements v1 in DSSE envelopes.

Formats: https://github.com/in-toto/attestation/tree/main/spec/v1 and https://github.com/secure-systems-lab/dsse, protocol v1.0.2.
The key is another one than the log's: whoever has one of the two cannot pass for the other.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.utils.translation import gettext as _

from core.canonical import canonical_bytes
from core.errors import Unavailable
from core.keyfiles import make_once

log = logging.getLogger(__name__)
KEY_FILE = "attestations-ed25519.pem"
STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def statement_of(predicate_type: str, predicate: Mapping[str, Any], subjects: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """An in-toto Statement about `subjects`, pairs of a name and a digest (`sha256:<64 hex>`)."""
    named = [{"name": name, "digest": {"sha256": digest.removeprefix("sha256:")}} for name, digest in subjects]
    return {"_type": STATEMENT, "subject": named, "predicateType": predicate_type, "predicate": dict(predicate)}


def envelope_of(statement: Mapping[str, Any]) -> dict[str, Any]:
    """The statement in a DSSE envelope signed with this site's key (Ed25519); its payload is RFC 8785 canonical JSON."""
    payload = canonical_bytes(dict(statement))
    signature = _key().sign(signing_input(PAYLOAD_TYPE, payload))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key_id(), "sig": base64.b64encode(signature).decode()}],
    }


def signing_input(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed, so that no payload passes as one of another type."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def public_key_pem() -> str:
    """The key by which anybody checks an envelope, to be pinned (SubjectPublicKeyInfo)."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key().public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def key_id() -> str:
    """The key's name in an envelope: sha256 of its SubjectPublicKeyInfo in DER."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return "sha256:" + hashlib.sha256(_key().public_key().public_bytes(serialization.Encoding.DER, form)).hexdigest()


def _key() -> Ed25519PrivateKey:
    path = Path(settings.KEYS_DIR) / KEY_FILE
    if not path.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        if make_once(path, pem):
            log.info("A new key signs attestations.", extra={"facts": {"file": KEY_FILE}})
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(_("%(name)s is no Ed25519 key. Put the folder of keys back from its backup.") % {"name": KEY_FILE})
    return key
