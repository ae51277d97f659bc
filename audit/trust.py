"""What a reader of reports pins: the keys that seal the log and sign attestations, and the certificate of reports."""

from __future__ import annotations

from django.conf import settings

from audit import signing
from ledger import attesting, signer

FORMAT = "countersign-trust/1"


def trust() -> dict[str, str]:
    """The content of trust.json. It is worth what the way is worth on which it was fetched."""
    certificate = signing.certificate()
    return {
        "format": FORMAT,
        "site": str(settings.SITE_URL),
        "origin": signer.origin(),
        "log_key": signer.verifier_key(),
        "attestation_key": attesting.public_key_pem(),
        "report_certificate": certificate.pem,
        "report_certificate_sha256": certificate.fingerprint,
    }
