"""What a reader of reports pins: the key that seals the log and the certificate that signs reports."""

from __future__ import annotations

from django.conf import settings

from audit import signing
from ledger import signer

FORMAT = "countersign-trust/1"


def trust() -> dict[str, str]:
    """The content of trust.json. It is worth what the way is worth on which it was fetched."""
    certificate = signing.certificate()
    return {
        "format": FORMAT,
        "site": str(settings.SITE_URL),
        "origin": signer.origin(),
        "log_key": signer.verifier_key(),
        "report_certificate": certificate.pem,
        "report_certificate_sha256": certificate.fingerprint,
    }
