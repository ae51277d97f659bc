"""Reports over the API: what clients rely on, and who sees what."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest

from core import blobs
from tests.audit.conftest import work

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    from audit import jobs  # noqa: PLC0415 - patched here

    monkeypatch.setattr(jobs, "send", lambda report: None)


def test_a_client_asks_waits_and_fetches(suspended: Any, api_of: Any, auditor: Any, no_messages: None, blank_pages: None) -> None:
    client = api_of(auditor, "read", "govern")
    asked = client.post("/api/v1/reports/", {"version": str(suspended.pk), "environment": "production"})
    assert asked.status_code == 201
    report = asked.json()
    assert (report["state"], report["error"], report["pdf_digest"], report["name"]) == ("queued", "", "", "digit-reader v1")
    early = client.get(f"/api/v1/reports/{report['id']}/pdf/")
    assert (early.status_code, early["Content-Type"]) == (409, "application/problem+json")
    assert early.json()["code"] == "not_made_yet"

    from audit.models import Report  # noqa: PLC0415 - beside its use

    made = work(Report.objects.get(pk=report["id"]))
    told = client.get(f"/api/v1/reports/{report['id']}/").json()
    assert (told["state"], told["pages"], told["progress"]["done"]) == ("completed", 1, 5)
    assert (told["pdf_digest"], told["content_digest"], told["log_size"]) == (made.pdf_digest, made.content_digest, made.log_size)
    assert {item["status"] for item in told["verification"]} == {"verified"}
    for accept in ({}, {"HTTP_ACCEPT": "application/pdf"}, {"HTTP_ACCEPT": "*/*"}):
        answer = client.get(f"/api/v1/reports/{report['id']}/pdf/", **accept)
        body = b"".join(answer.streaming_content)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert body == blobs.read(made.pdf_digest)
        assert answer["X-Content-SHA256"] == made.pdf_digest == "sha256:" + hashlib.sha256(body).hexdigest()
        assert answer["Content-Length"] == str(len(body))
        assert answer["Content-Disposition"].startswith('attachment; filename="audit-report-digit-reader-v1-')
    listed = client.get("/api/v1/reports/").json()["results"]
    assert [one["id"] for one in listed] == [report["id"]]


def test_a_stranger_learns_nothing_of_a_report(
    approved: Any, ask: Any, api_of: Any, stranger: Any, admin: Any, make_person: Any, make_team: Any
) -> None:
    report = ask(approved)
    elsewhere = make_person("Ellis Elsewhere", ("auditor", make_team("elsewhere")))
    for person in (stranger, admin, elsewhere):
        client = api_of(person)
        assert client.get("/api/v1/reports/").json()["results"] == []
        assert client.get(f"/api/v1/reports/{report.pk}/").status_code == 404
        assert client.get(f"/api/v1/reports/{report.pk}/pdf/").status_code == 404
        assert client.post("/api/v1/reports/", {"version": str(approved.pk)}).status_code == 404
    assert api_of(None).get(f"/api/v1/reports/{report.pk}/").status_code == 401


def test_a_data_scientist_reads_reports_and_is_told_why_they_make_none(
    approved: Any, ask: Any, api_of: Any, scientist: Any
) -> None:
    report = ask(approved)
    client = api_of(scientist)
    assert client.get(f"/api/v1/reports/{report.pk}/").status_code == 200
    refused = client.post("/api/v1/reports/", {"version": str(approved.pk)})
    assert (refused.status_code, refused.json()["code"]) == (403, "wrong_role")
    assert "auditors" in refused.json()["detail"]


def test_a_key_that_only_reads_makes_no_report(approved: Any, api_of: Any, auditor: Any) -> None:
    assert api_of(auditor, "read").post("/api/v1/reports/", {"version": str(approved.pk)}).status_code == 403


def test_wrong_input_is_named(approved: Any, api_of: Any, auditor: Any, make_draft: Any) -> None:
    client = api_of(auditor)
    assert client.post("/api/v1/reports/", {}).status_code == 422
    assert client.post("/api/v1/reports/", {"version": "x"}).status_code == 422
    assert client.post("/api/v1/reports/", {"version": str(approved.pk), "environment": "moon"}).status_code == 422
    assert client.post("/api/v1/reports/", {"version": str(uuid.uuid4())}).status_code == 404
    draft = make_draft(model=approved.model)
    answer = client.post("/api/v1/reports/", {"version": str(draft.pk)})
    assert (answer.status_code, answer.json()["code"]) == (409, "never_submitted")


def test_a_list_of_reports_costs_the_same_for_one_and_for_ten(
    approved: Any, ask: Any, api_of: Any, auditor: Any, django_assert_num_queries: Any
) -> None:
    from django.db import connection  # noqa: PLC0415 - only here
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - only here

    client = api_of(auditor)
    ask(approved)
    client.get("/api/v1/reports/")
    with CaptureQueriesContext(connection) as one:
        client.get("/api/v1/reports/")
    for _ in range(9):
        ask(approved)
    with CaptureQueriesContext(connection) as ten:
        assert len(client.get("/api/v1/reports/").json()["results"]) == 10
    assert len(one) == len(ten)
