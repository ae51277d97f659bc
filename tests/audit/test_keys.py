"""The certificate that signs reports, and what a reader is given to trust."""

from __future__ import annotations

import stat
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from audit import signing
from audit.models import Report
from audit.trust import trust
from core.errors import Unavailable
from countersign.verify.trust import parse_trust
from ledger.signer import verifier_key

pytestmark = pytest.mark.django_db


def test_the_key_is_made_once_and_read_by_its_owner_only(no_report_key: None, data_dir: Any) -> None:
    first = signing.certificate()
    path = data_dir / "keys" / signing.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert signing.certificate() == first
    assert [one.name for one in path.parent.glob("*.pem*")] == [signing.FILE]


def test_of_two_processes_that_make_a_key_one_wins(no_report_key: None, data_dir: Any, a_report_key: bytes) -> None:
    path = data_dir / "keys" / signing.FILE
    path.parent.mkdir()
    path.write_bytes(a_report_key)  # the other one was faster
    signing._make(path)
    assert path.read_bytes() == a_report_key
    assert [one.name for one in path.parent.iterdir()] == [signing.FILE]


def test_the_certificate_is_a_leaf_that_signs_and_nothing_else(settings: Any) -> None:
    certificate = x509.load_der_x509_certificate(signing.certificate().der)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 3072
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and usage.content_commitment
    assert not (usage.key_cert_sign or usage.key_encipherment or usage.crl_sign)
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == f"Countersign reports ({settings.LOG_ORIGIN})"


@pytest.mark.parametrize("origin", ["governance." * 12 + "example.org/log", "한국어" * 10 + "/log"])
def test_a_long_name_of_the_log_still_fits_into_a_certificate(origin: str, no_report_key: None, settings: Any) -> None:
    settings.LOG_ORIGIN = origin
    signing.certificate()


def test_a_lost_key_is_not_replaced_once_reports_were_signed(approved: Any, ask: Any, data_dir: Any) -> None:
    report = ask(approved)
    Report.objects.filter(pk=report.pk).update(pdf_digest="sha256:" + "0" * 64)
    (data_dir / "keys" / signing.FILE).unlink()
    with pytest.raises(Unavailable, match="is missing though reports were signed before"):
        signing.certificate()
    assert not (data_dir / "keys" / signing.FILE).exists()


@pytest.mark.parametrize("spoil", ["cut", "other key", "no key"])
def test_a_damaged_key_file_is_said_to_be_one(spoil: str, data_dir: Any, a_report_key: bytes) -> None:
    path = data_dir / "keys" / signing.FILE
    certificate = a_report_key[a_report_key.index(b"-----BEGIN CERT") :]
    if spoil == "cut":
        path.write_bytes(a_report_key[:-60])
    elif spoil == "no key":
        path.write_bytes(certificate)
    else:
        other = data_dir / "other.pem"
        signing._make(other)
        load_pem_private_key(other.read_bytes(), password=None)
        path.write_bytes(other.read_bytes().split(b"-----BEGIN CERT")[0] + certificate)
    with pytest.raises(Unavailable, match="Put the folder of keys back"):
        signing.certificate()


def test_anybody_may_fetch_what_a_verifier_accepts(api_of: Any, settings: Any) -> None:
    answer = api_of(None).get("/api/v1/trust/")
    assert answer.status_code == 200
    assert answer.json() == trust()
    pinned = parse_trust(answer.content)
    assert pinned.site == settings.SITE_URL
    assert pinned.certificate == signing.certificate().der
    assert answer.json()["log_key"] == verifier_key()
    assert "PRIVATE" not in answer.content.decode()


def test_a_bad_key_of_the_api_does_not_close_the_trust_file(api_of: Any) -> None:
    client = api_of(None)
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert client.get("/api/v1/trust/").status_code == 200
