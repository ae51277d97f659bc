"""What the reader trusts, given from outside the report: the key that seals the log and the certificate that signs reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from countersign.verify import limits
from countersign.verify.canonical import parse_json
from countersign.verify.encoding import digest_of, sha256
from countersign.verify.note import LogKey
from countersign.verify.outcome import Refused, Unopened

TRUST_FORMAT = "countersign-trust/1"
FIELDS = ("format", "site", "origin", "log_key", "report_certificate", "report_certificate_sha256")
PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*")

KEY_PEM = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*")


@dataclass(frozen=True)
class Trust:
    """The pinned keys of one site."""

    site: str
    origin: str
    log_key: LogKey
    certificate: bytes  # DER
    attestation_key: Ed25519PublicKey | None = None  # of signed statements; trust files of older sites pin none

    @property
    def certificate_sha256(self) -> str:
        """The certificate's fingerprint, as a report prints it."""
        return sha256(self.certificate).hex()

    @property
    def attestation_key_id(self) -> str:
        """The name under which an envelope names the key: sha256 of its SubjectPublicKeyInfo."""
        if self.attestation_key is None:
            return ""
        return digest_of(self.attestation_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def load_trust(path: str | Path) -> Trust:
    """The trust file at `path`; raises `Refused` where it is of no use, `Unopened` where it cannot be opened."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(limits.TRUST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Unopened(f"The trust file cannot be opened: {getattr(error, 'strerror', None) or error}.") from None
    return parse_trust(data)


def parse_trust(data: bytes) -> Trust:
    """The trust that the bytes of a trust file state."""
    if len(data) > limits.TRUST_BYTES:
        raise Refused("The trust file is too large to be one.")
    stated = parse_json(data, what="The trust file")
    if not isinstance(stated, dict) or stated.get("format") != TRUST_FORMAT:
        raise Refused(f"The trust file is not of the format {TRUST_FORMAT}.")
    for name in FIELDS:
        if not isinstance(stated.get(name), str) or not stated[name]:
            raise Refused(f"The trust file does not say {name}.")
    key = LogKey.from_vkey(stated["log_key"])
    if key.name != stated["origin"]:
        raise Refused("The trust file's log key goes by another name than its origin.")
    certificate = _certificate(stated["report_certificate"])
    if sha256(certificate).hex() != stated["report_certificate_sha256"].lower():
        raise Refused("The trust file's certificate does not have the fingerprint that stands beside it.")
    return Trust(
        site=stated["site"],
        origin=stated["origin"],
        log_key=key,
        certificate=certificate,
        attestation_key=_attestation_key(stated["attestation_key"]) if "attestation_key" in stated else None,
    )


def _attestation_key(pem: object) -> Ed25519PublicKey:
    if not isinstance(pem, str) or not KEY_PEM.fullmatch(pem):
        raise Refused("The trust file's attestation key is not exactly one public key in PEM.")
    try:
        key = load_pem_public_key(pem.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("The trust file's attestation key cannot be read.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise Refused("The trust file's attestation key is no Ed25519 key.")
    return key


def _certificate(pem: str) -> bytes:
    if not PEM.fullmatch(pem):
        raise Refused("The trust file's certificate is not exactly one certificate in PEM.")
    try:
        return x509.load_pem_x509_certificate(pem.encode("ascii")).public_bytes(Encoding.DER)
    except ValueError:
        raise Refused("The trust file's certificate cannot be read.") from None
