"""The CMS signature inside a report: exactly one signer, one certificate, and one way to write it down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms as asn1_cms
from asn1crypto import tsp as asn1_tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from countersign.verify import limits
from countersign.verify.outcome import Refused

INTEGER, OCTETS, SEQUENCE, SET = 0x02, 0x04, 0x30, 0x31
CONSTRUCTED = 0x20
OID_DATA = bytes.fromhex("06092a864886f70d010701")
OID_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
SHA256_ALGORITHM = bytes.fromhex("300d06096086480165030402010500")
RSA_SHA256_ALGORITHM = bytes.fromhex("300d06092a864886f70d01010b0500")
LEAST_KEY_BITS = 3072


@dataclass(frozen=True)
class CmsSignature:
    """What a report's CMS signature consists of, once everything that has only one allowed form is taken away."""

    certificate: bytes  # DER
    signed_attributes: bytes  # DER, as a SET
    signature: bytes
    message_digest: bytes
    certificate_hash: bytes  # from the signing-certificate-v2 attribute

    def require_digest(self, covered: bytes) -> None:
        """Return only if the signature speaks of the bytes whose SHA-256 is `covered`."""
        if self.message_digest != covered:
            raise Refused("The file's bytes are not the ones that were signed: something was changed after signing.")

    def require_valid(self) -> None:
        """Return only if the certificate's key made the signature and the signature names that certificate."""
        if hashlib.sha256(self.certificate).digest() != self.certificate_hash:
            raise Refused("The signature names another certificate than the one that lies beside it.")
        key = _public_key(self.certificate)
        try:
            key.verify(self.signature, self.signed_attributes, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise Refused("The signature was not made with the key of its certificate, or was changed.") from None


def read_cms(der: bytes) -> CmsSignature:
    """Take a CMS signature apart; refuse any that is not written exactly as its parts demand."""
    refuse_loose_der(der)
    try:
        content_info = asn1_cms.ContentInfo.load(der, strict=True)
        if content_info["content_type"].native != "signed_data":
            raise Refused("The signature is no CMS signed data.")
        found = _parts(content_info["content"])
        rebuilt = rebuild(found)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise Refused("The signature is no CMS structure that can be read.") from error
    if rebuilt != der:
        raise Refused("The signature is not in the one form that its parts allow (strict DER, one signer, one certificate).")
    return found


def _parts(signed_data: Any) -> CmsSignature:
    signers, certificates = signed_data["signer_infos"], signed_data["certificates"]
    if len(signers) != 1 or len(certificates) != 1:
        raise Refused("The signature must have exactly one signer and exactly one certificate.")
    signer = signers[0]
    attributes: dict[str, Any] = {}
    for attribute in signer["signed_attrs"]:
        kind = attribute["type"].dotted
        if kind in attributes or len(attribute["values"]) != 1:
            raise Refused("The signature has a signed attribute more than once.")
        attributes[kind] = attribute["values"][0]
    names = {
        name: asn1_cms.CMSAttributeType(name).dotted for name in ("content_type", "message_digest", "signing_certificate_v2")
    }
    if not attributes.keys() >= set(names.values()):
        raise Refused("The signature lacks one of the attributes content-type, message-digest and signing-certificate-v2.")
    if attributes[names["content_type"]].native != "data":
        raise Refused("The signature's content type is not data.")
    return CmsSignature(
        certificate=certificates[0].chosen.dump(),
        signed_attributes=bytes([SET]) + signer["signed_attrs"].dump()[1:],
        signature=signer["signature"].native,
        message_digest=attributes[names["message_digest"]].native,
        certificate_hash=_certificate_hash(attributes[names["signing_certificate_v2"]]),
    )


def _certificate_hash(attribute: Any) -> bytes:
    identifiers = asn1_tsp.SigningCertificateV2.load(attribute.dump(), strict=True)["certs"]
    if len(identifiers) != 1:
        raise Refused("The signature names more than one certificate as its own.")
    if identifiers[0]["hash_algorithm"]["algorithm"].native != "sha256":
        raise Refused("The signature names its certificate by something else than SHA-256.")
    return bytes(identifiers[0]["cert_hash"].native)


def rebuild(parts: CmsSignature) -> bytes:
    """The one CMS encoding of these parts. A byte that is not in them has no freedom, so a changed one shows."""
    certificate = asn1_cms.Certificate.load(parts.certificate, strict=True)["tbs_certificate"]
    signer_id = _der(SEQUENCE, certificate["issuer"].dump(), certificate["serial_number"].dump())
    attributes = bytes([0xA0]) + parts.signed_attributes[1:]
    version = _der(INTEGER, b"\x01")
    signer = _der(SEQUENCE, version, signer_id, SHA256_ALGORITHM, attributes, RSA_SHA256_ALGORITHM, _der(OCTETS, parts.signature))
    signed_data = _der(
        SEQUENCE,
        version,
        _der(SET, SHA256_ALGORITHM),
        _der(SEQUENCE, OID_DATA),
        _der(0xA0, parts.certificate),
        _der(SET, signer),
    )
    return _der(SEQUENCE, OID_SIGNED_DATA, _der(0xA0, signed_data))


def _der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def der_length(data: bytes) -> int:
    """How many bytes the DER value at the beginning of `data` takes, its header included."""
    return _header(data, 0, len(data))[2]


def refuse_loose_der(data: bytes) -> None:
    """Return only if `data` is one value whose lengths are all definite, minimal and nested without overlap or gaps."""
    if len(data) > limits.CMS_BYTES:
        raise Refused("The signature is larger than a report's signature can be.")
    waiting = [(0, len(data))]
    seen = 0
    while waiting:
        position, end = waiting.pop()
        while position < end:
            tag, content, after = _header(data, position, end)
            seen += 1
            if seen > 4096 or len(waiting) > 64:  # a report's signature has fewer than 100 values, 12 levels deep
                raise Refused("The signature has more parts than a report's signature can have.")
            if tag & CONSTRUCTED and content < after:
                waiting.append((after, end))
                end = after
                position = content
            else:
                position = after
    if der_length(data) != len(data):
        raise Refused("The signature is not one DER value.")


def _header(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """Tag, where the content begins and where it ends, of the value at `position`."""
    if end - position < 2 or data[position] & 0x1F == 0x1F:
        raise Refused("The signature is not strict DER.")
    tag, first = data[position], data[position + 1]
    content, length = position + 2, first
    if first >= 0x80:
        octets = data[content : content + (first & 0x7F)]
        length = int.from_bytes(octets, "big")
        content += len(octets)
        if not 1 <= len(octets) <= 4 or len(octets) != first & 0x7F or octets[0] == 0 or length < 0x80:
            raise Refused("The signature has a length that is not strict DER.")
    if length > end - content:
        raise Refused("The signature is cut short.")
    return tag, content, content + length


def _public_key(certificate: bytes) -> RSAPublicKey:
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("The signer's certificate cannot be read.") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < LEAST_KEY_BITS:
        raise Refused(f"The signer's key is not an RSA key of at least {LEAST_KEY_BITS} bits.")
    return key
