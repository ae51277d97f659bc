"""The certificate that signs reports: made on first use, kept beside the log's key, and the PAdES signature it gives."""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.conf import settings
from django.utils.translation import gettext as _
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from audit.models import Report
from core.clock import now
from core.errors import Unavailable
from core.keyfiles import make_once

log = logging.getLogger(__name__)
FILE = "reports-rsa3072.pem"  # key and certificate in one file, so that no crash leaves one without the other
BITS = 3072
YEARS = 10  # the certificate is pinned as a whole, so its end is a reminder to renew it rather than a lock
LONGEST_NAME = 64  # bytes: X.520's limit of a common name
FIELD = "CountersignReport"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What readers of reports pin."""

    pem: str
    der: bytes

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER form, 64 hexadecimal digits."""
        return hashlib.sha256(self.der).hexdigest()


def certificate() -> Certificate:
    """The certificate of this site's reports; made now if no report was ever signed."""
    _key, found = _load()
    pem = found.public_bytes(serialization.Encoding.PEM).decode("ascii")
    return Certificate(pem, found.public_bytes(serialization.Encoding.DER))


def sign(pdf: bytes) -> bytes:
    """`pdf` with one PAdES signature as an incremental update: only the leaf certificate inside, no time stamp, nothing after."""
    key, found = _load()
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(found.public_bytes(serialization.Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(
            key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        ),
        cert_registry=SimpleCertificateStore(),  # nothing but the leaf: what else is embedded, no signature covers
    )
    how = signers.PdfSignatureMetadata(field_name=FIELD, subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256")
    out = io.BytesIO()
    signers.PdfSigner(how, signer=signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), output=out)
    return out.getvalue()


def _load() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    path = Path(settings.KEYS_DIR) / FILE
    if not path.exists():
        if Report.objects.exclude(pdf_digest="").exists():
            raise Unavailable(
                _(
                    "The key that signs reports (%(file)s) is missing though reports were signed before. "
                    "Put the folder of keys back from its backup."
                )
                % {"file": FILE}
            )
        _make(path)
    data = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(data, password=None)
        found = x509.load_pem_x509_certificate(data)
    except ValueError as error:
        raise Unavailable(_("%(file)s cannot be read. Put the folder of keys back from its backup.") % {"file": FILE}) from error
    if not isinstance(key, rsa.RSAPrivateKey) or key.public_key() != found.public_key():
        raise Unavailable(
            _("%(file)s does not hold an RSA key with its certificate. Put the folder of keys back from its backup.")
            % {"file": FILE}
        )
    return key, found


def _make(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem += _certificate_of(key).public_bytes(serialization.Encoding.PEM)
    if make_once(path, pem):
        log.info("A new key signs reports.", extra={"facts": {"site": settings.SITE_URL}})


def _certificate_of(key: rsa.RSAPrivateKey) -> x509.Certificate:
    moment = now()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Countersign"),
            x509.NameAttribute(NameOID.COMMON_NAME, _common_name(str(settings.LOG_ORIGIN))),
        ]
    )
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(minutes=5))  # a reader's clock may be a little behind
        .not_valid_after(moment + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=True, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _common_name(origin: str) -> str:
    """The name under which readers show the signer; too long an origin is cut, since the trust file has the whole one."""
    room = LONGEST_NAME - len("Countersign reports ()")
    short = origin.encode()
    if len(short) > room:
        short = short[: room - 3].decode(errors="ignore").encode() + b"..."
    return f"Countersign reports ({short.decode()})"
