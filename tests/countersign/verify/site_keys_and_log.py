"""A site that reports come from: its keys, and its log with a tree of its own."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

ORIGIN = "countersign.example/log"


@dataclass(frozen=True)
class Keys:
    """What a site signs with."""

    rsa: rsa.RSAPrivateKey
    certificate: x509.Certificate
    log: Ed25519PrivateKey

    def trust(self, **other: Any) -> bytes:
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        stated = {
            "format": "countersign-trust/1",
            "site": "https://countersign.example",
            "origin": ORIGIN,
            "log_key": self.vkey,
            "report_certificate": self.certificate.public_bytes(serialization.Encoding.PEM).decode(),
            "report_certificate_sha256": hashlib.sha256(der).hexdigest(),
        }
        return json.dumps(stated | other).encode()

    @property
    def material(self) -> bytes:
        return b"\x01" + self.log.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(ORIGIN.encode() + b"\n" + self.material).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{ORIGIN}+{self.key_id.hex()}+{base64.b64encode(self.material).decode()}"

    def seal(self, size: int, root: bytes, *, origin: str = ORIGIN) -> bytes:
        text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_id + self.log.sign(text.encode())).decode()
        return f"{text}\n— {ORIGIN} {signature}\n".encode()


@cache
def make_keys(number: int = 0) -> Keys:
    """The keys of site `number`."""
    key = rsa.generate_private_key(65537, 3072)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Countersign reports")])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1000 + number)
        .not_valid_before(datetime(2026, 1, 1))
        .not_valid_after(datetime(2036, 1, 1))
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Keys(key, certificate, Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"log %d" % number).digest()))


# -- the log ---------------------------------------------------------------------------------------------------------------


def tree_root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


def inclusion_proof(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), tree_root(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), tree_root(leaves[:split])]


@dataclass
class Log:
    """Events in their order; `secrets` are the committed values with their salts."""

    events: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def record(self, kind: str, on: tuple[str, str], actor: str, *, secret: dict[str, str] | None = None, **data: Any) -> int:
        index = len(self.events)
        self.counts[on] += 1
        for path, value in (secret or {}).items():
            salt = hashlib.sha256(f"{index} {path}".encode()).digest()
            committed = hashlib.sha256(b"countersign/private/v1\n" + salt + rfc8785.dumps([path, value])).hexdigest()
            data[path] = {"commitment": f"sha256:{committed}"}
            self.secrets.append({"index": index, "path": path, "salt": base64.b64encode(salt).decode(), "value": value})
        self.events.append(
            {
                "id": f"01900000-0000-7000-8000-{index:012d}",
                "type": kind,
                "v": 1,
                "at": f"2026-03-01T10:{index % 60:02d}:00.000000Z",
                "actor": {"kind": "system" if actor == "worker" else "person", "id": actor},
                "on": {"type": on[0], "id": on[1], "seq": self.counts[on]},
                "data": data,
                "request": "",
            }
        )
        return index

    def bodies(self) -> list[bytes]:
        return [rfc8785.dumps(event) for event in self.events]

    def leaves(self) -> list[bytes]:
        return [hashlib.sha256(b"\x00" + body).digest() for body in self.bodies()]

    def at(self, index: int) -> str:
        return self.events[index]["at"]
