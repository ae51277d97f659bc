"""Reports of versions with a past, made by the worker's own steps, and the offline verifier run on them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit import jobs, services, signing
from audit.models import Report
from audit.printing import rendering
from audit.trust import trust
from core import blobs
from core.errors import NotAllowed
from governance import services as governance
from ledger.leases import sweep
from models_registry.models import Version
from monitoring import services as monitoring
from tests.plugins_versions import PASSWORD

ROOT = Path(__file__).resolve().parents[2]
EMAIL_COLUMN = [{"name": "email", "dtype": "text", "category": "contact", "present": "yes"}]


@pytest.fixture(scope="session")
def a_report_key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Key and certificate, made once: each costs a second."""
    path = tmp_path_factory.mktemp("key") / signing.FILE
    signing._make(path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def report_key(request: pytest.FixtureRequest, data_dir: Path, a_report_key: bytes) -> None:
    """The site of the test has the session's key, unless the test is about having none."""
    if "no_report_key" not in request.fixturenames:
        folder = data_dir / "keys"
        folder.mkdir(exist_ok=True, mode=0o700)
        (folder / signing.FILE).write_bytes(a_report_key)


@pytest.fixture
def no_report_key() -> None:
    """The site has never signed a report."""


@pytest.fixture
def blank_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have one empty page: for tests that are about everything else, eight times as fast."""
    html = '<!doctype html><html lang="en"><head><title>Report</title></head><body><p>e</p></body></html>'
    monkeypatch.setattr(rendering, "page", lambda *_args, **_options: html)


@pytest.fixture
def approved(make_data: Any, make_review: Any, sign: Any, scientist: Any) -> Any:
    """Approved by three people, because an e-mail column reaches it; the submitter's own signature was refused."""
    review = make_review(data=make_data("annotated digits", columns=EMAIL_COLUMN))
    with pytest.raises(NotAllowed):
        governance.sign_off(review, by=scientist, role="validator", verdict="approve", password=PASSWORD, seen=review.digest)
    for role in ("validator", "data_protection_officer", "compliance_officer"):
        sign(review, role, comment=f"Read as {role}.")
    return _again(review.version)


@pytest.fixture
def suspended(approved: Any, risk_manager: Any, scientist: Any) -> Any:
    """Approved, released, and taken back: its answers in production are not what they were."""
    governance.release(approved, environment="production", by=risk_manager)
    share, n = (0.60, 0.37, 0.03), 400
    monitoring.receive_observations(
        approved,
        environment="production",
        n=n,
        sums=[n * part for part in share],
        sums_of_squares=[n * part * part for part in share],
        predicted=[n, 0, 0],
        by=scientist,
    )
    monitoring.check_waiting_predictions()
    return _again(approved)


def _again(version: Any) -> Any:
    return Version.objects.with_parts().get(pk=version.pk)


@pytest.fixture
def ask(auditor: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    """`ask(version)`: the auditor asks for a report; no message is sent."""
    monkeypatch.setattr(jobs, "send", lambda report: None)

    def request(version: Any, *, by: Any = None, environment: str = "production") -> Report:
        return services.request_report(version, environment=environment, by=by or auditor)

    return request


@pytest.fixture
def make(ask: Callable[..., Report]) -> Callable[..., Report]:
    """`make(version)`: asked for, and made by a worker."""

    def made(version: Any, **more: Any) -> Report:
        return work(ask(version, **more))

    return made


def work(report: Report) -> Report:
    """What a worker does with the message about `report`."""
    jobs.render(Report.objects.with_parts().get(pk=report.pk))
    return Report.objects.with_parts().get(pk=report.pk)


def silence(report: Report, clock: Any) -> None:
    """The worker of `report` is gone, and its lease runs out."""
    clock.advance(minutes=10)
    assert sweep(Report) == 1
    report.refresh_from_db()


@pytest.fixture
def verify(tmp_path: Path) -> Callable[..., tuple[int, dict[str, str]]]:
    """`verify(report)`: exit code and the items' states that `countersign verify` gives; `trusted` None leaves the keys out."""

    def run(file: Any, trusted: Any = ...) -> tuple[int, dict[str, str]]:
        pdf = tmp_path / "report.pdf"
        pdf.write_bytes(file if isinstance(file, bytes) else blobs.read(file.pdf_digest))
        command = [sys.executable, "-m", "countersign.verify", str(pdf), "--json"]
        if trusted is not None:
            pinned = tmp_path / "trust.json"
            pinned.write_text(json.dumps(trust() if trusted is ... else trusted))
            command += ["--trust", str(pinned)]
        done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, timeout=60)
        return done.returncode, {item["name"]: item["status"] for item in json.loads(done.stdout)["items"]}

    return run


def files_in(pdf: bytes) -> dict[str, bytes]:
    """The attachments of a PDF, as the verifier reads them."""
    from countersign.verify.attachments import read_attachments  # noqa: PLC0415 - only these tests look inside
    from countersign.verify.pdf import Document  # noqa: PLC0415 - as above

    return read_attachments(Document.read(pdf))
