"""Verifying a report offline, item by item, against pyHanko, which validates the PDF signature alone."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from statistics import median

from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from benchmarks.results import Result, timed
from countersign.verify import verify_report
from countersign.verify.trust import parse_trust
from tests.countersign.verify.maker import make_report
from tests.countersign.verify.site_keys_and_log import make_keys

TIMES = 15
MOST = 3.0  # times as long as validating the signature alone


def measure(_folder: Path) -> list[Result]:
    """The median of several runs of each, in turn."""
    logging.disable(logging.ERROR)  # pyHanko warns of a certificate that is its own root
    keys = make_keys()
    report, trust = make_report(), parse_trust(keys.trust())
    root = x509.Certificate.load(keys.certificate.public_bytes(Encoding.DER))
    ours, theirs = [], []
    for _ in range(TIMES):
        with timed() as watch:
            verification = verify_report(report, trust)
        assert verification.exit_code == 0, verification
        ours.append(watch.seconds)
        with timed() as watch:
            signature = PdfFileReader(io.BytesIO(report)).embedded_signatures[0]
            assert validate_pdf_signature(signature, ValidationContext(trust_roots=[root], allow_fetching=False)).valid
        theirs.append(watch.seconds)
    own, other = median(ours), median(theirs)
    how = f"a report of {len(report) >> 10} KiB in full: {own:.3f} s ÷ pyHanko, its signature alone: {other:.3f} s"
    return [Result("verifier_against_pyhanko", own / other, MOST, "at most", how)]
