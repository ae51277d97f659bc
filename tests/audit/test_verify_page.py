"""Verifying in the browser: one clear sentence for whatever is sent, by whomever."""

from __future__ import annotations

import io
import subprocess
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from audit import verification
from audit.views import verify as page
from core import blobs
from ledger.models import Event
from ledger.services import sequence_and_seal

pytestmark = pytest.mark.django_db


def send(client: Any, content: bytes, name: str = "report.pdf", **more: Any) -> Any:
    return client.post("/verify/", {"file": SimpleUploadedFile(name, content, "application/pdf")}, **more)


def items(answer: Any) -> dict[str, str]:
    return {item["name"]: item["status"] for item in answer.context["found"]["verified"].items}


@pytest.fixture
def report(suspended: Any, make: Any, blank_pages: None) -> Any:
    return make(suspended)


def test_anybody_may_verify_a_report(report: Any, client_of: Any, auditor: Any) -> None:
    answer = send(client_of(None), blobs.read(report.pdf_digest))
    assert answer.status_code == 200
    assert set(items(answer).values()) == {"verified"}
    text = answer.content.decode()
    assert "Every item holds." in text
    assert "this site gave out exactly this file" in text
    assert report.get_absolute_url() not in text  # what it is about is for those who may see it
    assert report.get_absolute_url() in send(client_of(auditor), blobs.read(report.pdf_digest)).content.decode()


def test_a_changed_byte_is_named(report: Any, client_of: Any) -> None:
    pdf = bytearray(blobs.read(report.pdf_digest))
    pdf[len(pdf) // 2] ^= 1
    answer = send(client_of(None), bytes(pdf))
    assert answer.status_code == 200
    assert "failed" in items(answer).values()
    assert "Do not rely on this file." in answer.content.decode()
    assert "gave out exactly this file" not in answer.content.decode()


@pytest.mark.parametrize(
    "content",
    [
        b"no pdf at all",
        b"%PDF-1.7\n" + b"<<" * 100_000,
        b"%PDF-1.7\nstartxref\n99999999999999999999\n%%EOF",
        b"\x00" * 3_000_000,
        b"PK\x03\x04" + b"\xff" * 5000,
        b"%PDF-1.4\n1 0 obj\n<</Length 1 0 R>>\nstream\n" + b"A" * 1000 + b"\nendstream\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    ],
    ids=["text", "nested", "far", "zeros", "zip", "loop"],
)
def test_whatever_is_sent_is_answered_in_a_sentence(content: bytes, client_of: Any) -> None:
    answer = send(client_of(None), content)
    assert answer.status_code == 200
    assert "Do not rely on this file." in answer.content.decode()


def test_a_hostile_name_of_a_file_is_shown_and_not_run(client_of: Any) -> None:
    answer = send(client_of(None), b"x", name="<script>alert(1)</script>.pdf")
    assert b"<script>alert" not in answer.content


@pytest.mark.parametrize("sent", [{}, {"file": "text instead of a file"}, {"file": SimpleUploadedFile("e.pdf", b"")}])
def test_no_file_or_an_empty_one_is_said(sent: dict[str, Any], client_of: Any) -> None:
    answer = client_of(None).post("/verify/", sent)
    assert answer.status_code == 422
    assert b'class="error"' in answer.content


def test_a_file_that_is_too_large_is_turned_away_unread(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LIMIT", 1000)
    monkeypatch.setattr(page, "ROOM", 100)
    monkeypatch.setattr(page, "run_verifier", lambda path: pytest.fail("it was read"))
    answer = send(client_of(None), b"x" * 2000)
    assert answer.status_code == 413
    assert "larger than 50 MB" in answer.content.decode()


def test_a_body_that_is_no_form_is_refused(client_of: Any) -> None:
    client = client_of(None)
    for content_type, body in (
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense"),
        ("application/json", b"{"),
        ("multipart/form-data; boundary=" + "x" * 300, b""),
    ):
        assert client.post("/verify/", body, content_type=content_type).status_code in {400, 422}


def test_a_form_from_another_site_is_refused(client_of: Any) -> None:
    answer = send(client_of(None, enforce_csrf_checks=True), b"x")
    assert answer.status_code == 403


def test_the_page_with_its_token_is_accepted(client_of: Any) -> None:
    client = client_of(None, enforce_csrf_checks=True)
    client.get("/verify/")
    token = client.cookies["csrftoken"].value
    answer = client.post("/verify/", {"file": io.BytesIO(b"x"), "csrfmiddlewaretoken": token})
    assert answer.status_code == 200


def test_the_verifier_has_limits_and_no_secret(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    real = subprocess.run

    def watched(*args: Any, **more: Any) -> Any:
        seen.append(more)
        return real(*args, **more)

    monkeypatch.setenv("COUNTERSIGN_SECRET_KEY", "a secret")
    monkeypatch.setattr(verification.subprocess, "run", watched)
    send(client_of(None), b"x")
    assert not any(name.startswith(("COUNTERSIGN", "DATABASE", "REDIS", "AWS")) for name in seen[0]["env"])
    assert seen[0]["timeout"] == verification.SECONDS


def test_a_verifier_that_comes_to_no_end_is_stopped_and_said(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "START", "import time\ntime.sleep(60)")
    monkeypatch.setattr(page, "run_verifier", lambda path: verification.verify(path, seconds=1))
    answer = send(client_of(None), b"x")
    assert answer.status_code == 503
    assert "not verified within 1 seconds" in answer.content.decode()


def test_a_verifier_that_dies_is_never_taken_for_a_yes(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for dies in ("raise SystemExit(0)", "print('{}')", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"):
        monkeypatch.setattr(verification, "START", dies)
        answer = send(client_of(None), b"x")
        assert answer.status_code == 503
        assert "Every item holds" not in answer.content.decode()


def test_many_files_in_a_minute_are_too_many(client_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "A_MINUTE", 2)
    monkeypatch.setattr(page, "run_verifier", lambda path: verification.Verified(1, []))
    client = client_of(None)
    assert [send(client, b"x").status_code for _ in range(3)] == [200, 200, 429]
    assert "many files in one minute" in send(client, b"x").content.decode()


def test_nothing_of_a_file_is_kept(report: Any, client_of: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    send(client_of(None), b"y" * 5_000_000)
    assert list(tmp_path.iterdir()) == []


# -- what is it? -----------------------------------------------------------------------------------------------------------


def found(client: Any, text: str) -> list[str]:
    return [match.what for match in client.get("/verify/", {"q": text}).context["matches"] or []]


def test_those_who_are_signed_in_find_what_a_digest_names(report: Any, client_of: Any, auditor: Any) -> None:
    sequence_and_seal()
    client = client_of(auditor)
    assert found(client, report.pdf_digest) == ["File of a report"]
    assert found(client, report.content_digest.removeprefix("sha256:")) == ["Content of a report"]
    assert found(client, report.version.checkpoint_digest.upper().replace("SHA256", "sha256")) == ["Checkpoint"]
    assert found(client, report.version.card.digest) == ["Model card"]
    assert found(client, report.version.data.first().dataset_version.digest) == ["Content of a dataset version"]
    entry = Event.objects.get(type="version.approved")
    assert found(client, entry.digest) == [f"Entry {entry.leaf.index} of the log"]
    assert found(client, str(entry.leaf.index)) == [f"Entry {entry.leaf.index} of the log"]
    assert found(client, "sha256:" + "0" * 64) == []


def test_a_digest_tells_a_stranger_nothing(report: Any, client_of: Any, stranger: Any) -> None:
    for digest in (report.pdf_digest, report.content_digest, report.version.checkpoint_digest, "0"):
        assert found(client_of(stranger), digest) == []
    anonymous = client_of(None).get("/verify/", {"q": report.pdf_digest})
    assert anonymous.context["matches"] is None
    assert report.version.model.name.encode() not in anonymous.content


@pytest.mark.parametrize("text", ["nonsense", "-1", "sha256:", "sha256:zz", "9" * 79, "%00", "١٢"])
def test_what_is_no_digest_is_said(text: str, client_of: Any, auditor: Any) -> None:
    answer = client_of(auditor).get("/verify/", {"q": text})
    assert answer.status_code == 200
    assert answer.context["matches"] is None
    assert b"neither a SHA-256 digest" in answer.content
