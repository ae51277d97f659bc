"""No byte of a report can change, go or come unnoticed."""

from __future__ import annotations

import io
import random
import re

import pytest
from asn1crypto import cms, x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from countersign.verify import Trust, verify_report
from countersign.verify.cms import der_length
from tests.countersign.verify.conftest import failed, why
from tests.countersign.verify.maker import make_keys, make_report, render, sign


def test_any_changed_byte_fails_and_names_file_or_signature(report: bytes, trust: Trust) -> None:
    """What signing adds to the file, except for most of the signature's own digits, and a sample of the rest.

    All 255 other values of every byte take hours; two or three values at every offset were tried once, and none passed.
    """
    begins = report.index(b"%%EOF\n") + 6
    hole = re.search(rb"/Contents <[0-9A-F]+>", report)
    assert hole is not None
    chosen = random.Random(0)  # noqa: S311 - a repeatable choice of places
    used = hole.start() + len(report[hole.start() : hole.end()].rstrip(b"0>"))
    offsets = {*range(begins, hole.start() + 14, 3), *range(hole.start(), used, 17), *range(used, hole.end(), 31)}
    offsets |= {*range(hole.end() - 12, len(report)), *range(20), *chosen.sample(range(begins), 250)}
    for offset in sorted(offsets):
        old = report[offset]
        new = chosen.choice([old ^ 1, old ^ 0x20, old ^ 0x80, (old + chosen.randrange(1, 256)) % 256])
        verification = verify_report(report[:offset] + bytes([new]) + report[offset + 1 :], trust)
        assert {"file structure", "signature"} & set(failed(verification)), (offset, old, new)
        assert verification.exit_code == 1


def test_a_changed_byte_fails_without_trust_too(report: bytes) -> None:
    for offset in random.Random(1).sample(range(len(report)), 80):  # noqa: S311 - a repeatable choice of places
        changed = report[:offset] + bytes([report[offset] ^ 1]) + report[offset + 1 :]
        assert {"file structure", "signature"} & set(failed(verify_report(changed, None))), offset


def test_a_truncated_report_fails(report: bytes, trust: Trust) -> None:
    for length in [*range(40), *range(40, len(report), 997), *range(len(report) - 60, len(report))]:
        assert "file structure" in failed(verify_report(report[:length], trust)), length


@pytest.mark.parametrize("more", [b"\n", b" ", b"\x00", b"%", b"%%EOF\n", b"1 0 obj null endobj\n", b"startxref\n0\n%%EOF\n"])
def test_appended_bytes_fail(more: bytes, report: bytes, trust: Trust) -> None:
    assert "file structure" in failed(verify_report(report + more, trust))


def test_an_update_after_signing_fails(report: bytes, trust: Trust) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(report))
    writer.root["/Lang"] = writer.root["/Lang"]
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(report)
    assert "3 revisions instead of two" in why(out.getvalue(), trust, "file structure")


def test_a_second_signature_fails(report: bytes, trust: Trust) -> None:
    twice = sign(report, make_keys(), field_name="Another")
    assert "file structure" in failed(verify_report(twice, trust))


def test_a_rewritten_file_fails(report: bytes, trust: Trust) -> None:
    out = io.BytesIO()
    copy_into_new_writer(PdfFileReader(io.BytesIO(report))).write(out)
    assert "file structure" in failed(verify_report(out.getvalue(), trust))


def test_scripts_and_automatic_actions_fail(trust: Trust) -> None:
    linked = '<p><a href="https://example.com/">a link is no action of that kind</a></p>'
    assert verify_report(make_report(body=linked), trust).exit_code == 0

    writer = IncrementalPdfFileWriter(io.BytesIO(render({"a.txt": b"a"})))

    writer.root["/OpenAction"] = generic.DictionaryObject({generic.pdf_name("/S"): generic.pdf_name("/JavaScript")})
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    assert "file structure" in failed(verify_report(sign(out.getvalue(), make_keys()), trust))


# -- the signature's own place ----------------------------------------------------------------------------------------------


def _hole(report: bytes) -> tuple[int, int]:
    found = re.search(rb"/Contents (<[0-9A-F]+>)", report)
    assert found is not None
    return found.start(1) + 1, found.end(1) - 1


def _der(report: bytes) -> bytes:
    begin, end = _hole(report)
    filled = bytes.fromhex(report[begin:end].decode())
    return filled[: der_length(filled)]  # not up to the first zero from behind: a signature may end with one


def _refill(report: bytes, digits: bytes) -> bytes:
    begin, end = _hole(report)
    return report[:begin] + digits.ljust(end - begin, b"0") + report[end:]


def test_the_hole_has_one_filling_only(report: bytes, trust: Trust) -> None:
    begin, end = _hole(report)
    digits = report[begin:end]
    used = digits.rstrip(b"0")
    lower = _refill(report, digits.lower())
    assert "upper-case" in why(lower, trust, "file structure")
    assert "only zeros" in why(report[: end - 2] + b"01" + report[end:], trust, "file structure")
    assert "file structure" in failed(verify_report(_refill(report, used + b" "), trust))
    assert "file structure" in failed(verify_report(_refill(report, b""), trust))


def test_other_encodings_of_the_same_signature_fail(report: bytes, trust: Trust) -> None:
    der = _der(report)

    def variant(change) -> bytes:
        info = cms.ContentInfo.load(der)
        change(info["content"])
        return _refill(report, info.dump(force=True).hex().upper().encode())

    signer = lambda signed: signed["signer_infos"][0]  # noqa: E731 - read in place
    variants = {
        "indefinite length": _refill(report, (b"\x30\x80" + der[4:] + b"\x00\x00").hex().upper().encode()),
        "long length": _refill(report, (b"\x30\x83\x00" + der[2:]).hex().upper().encode()),
        "no NULL": variant(lambda signed: signer(signed)["digest_algorithm"].__setitem__("parameters", None)),
        "other name of the algorithm": variant(
            lambda signed: signer(signed).__setitem__("signature_algorithm", {"algorithm": "rsassa_pkcs1v15"})
        ),
        "another version": variant(lambda signed: signed.__setitem__("version", "v3")),
        "an unsigned attribute": variant(
            lambda signed: signer(signed).__setitem__(
                "unsigned_attrs", [{"type": "signing_time", "values": [cms.Time({"utc_time": "260301000000Z"})]}]
            )
        ),
        "the certificate twice": variant(lambda signed: signed["certificates"].append(signed["certificates"][0])),
        "another serial number": variant(lambda signed: signer(signed)["sid"].chosen.__setitem__("serial_number", 5)),
        "the signer twice": variant(lambda signed: signed["signer_infos"].append(signed["signer_infos"][0])),
    }
    for name, changed in variants.items():
        assert changed != report, name
        assert "file structure" in failed(verify_report(changed, trust)), name


def test_the_certificate_cannot_be_exchanged(report: bytes, trust: Trust) -> None:
    """The same key under another certificate: the signature itself names the one it was made with."""
    info = cms.ContentInfo.load(_der(report))
    other = make_keys(1).certificate
    info["content"]["certificates"][0] = x509.Certificate.load(other.public_bytes(Encoding.DER))
    info["content"]["signer_infos"][0]["sid"].chosen["serial_number"] = other.serial_number
    changed = _refill(report, info.dump(force=True).hex().upper().encode())
    assert failed(verify_report(changed, trust)) == ["signature", "signer"]
    assert failed(verify_report(changed, None)) == ["signature"]
