"""The registers as files: which rows and names leave, in which words, and that no spreadsheet calculates any of them."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from core.ids import uuid7
from governance import services
from governance.models import Finding
from governance.registers import tables
from governance.registers.cells import as_it_was, cell_of, neutral
from governance.registers.writing import as_xlsx
from ledger.models import Entry

pytestmark = pytest.mark.django_db
HARMFUL = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "  =1",
    "'=1",
    "''=1",
    "＝1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("x")',
]


@pytest.fixture
def find(validator: Any, scientist: Any) -> Any:
    """`find(thing)`: the validator raises a finding about it, which the scientist owns."""

    def make(thing: Any, **more: Any) -> Finding:
        given = {"title": "Zeros become ones", "severity": "medium", "source": "review", "due_on": date(2027, 1, 31)}
        return services.raise_finding(thing, **{"by": validator, "owner": scientist} | given | more)

    return make


def read_csv(answer: Any) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def read_xlsx(answer: Any) -> list[dict[str, str]]:
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    [sheet] = book.worksheets
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "inlineStr"}
    head, *rows = [[cell.value or "" for cell in row] for row in sheet]
    return [dict(zip(head, row, strict=True)) for row in rows]


READERS = {"csv": read_csv, "xlsx": read_xlsx}


@pytest.mark.parametrize("form", READERS)
def test_the_findings_leave_as_the_page_shows_them(
    form: str, make_approved: Any, find: Any, client_of: Any, officer: Any, scientist: Any
) -> None:
    version = make_approved()
    find(version, reference="JIRA-7", description="한글\nand a second line, with a comma")
    find(version, severity="low")
    answer = client_of(officer).get(f"/findings/export/?severity=medium&as={form}")
    assert f".{form}" in answer["Content-Disposition"] and answer["Cache-Control"] == "private, no-store"
    [row] = READERS[form](answer)
    assert (row["reference"], row["severity"], row["state"], row["overdue"]) == ("JIRA-7", "medium", "open", "no")
    assert row["description"] == "한글\nand a second line, with a comma"
    assert (row["model"], row["version"], row["dataset"], row["due_on"]) == (
        version.model.name,
        str(version.number),
        "",
        "2027-01-31",
    )
    assert (row["owner"], row["owner_id"]) == (scientist.name, str(scientist.pk))
    assert row["raised_at"].endswith("+00:00") and "T" in row["raised_at"]


@pytest.mark.parametrize("form", READERS)
def test_the_api_gives_the_same_file(form: str, make_approved: Any, find: Any, api_of: Any, officer: Any) -> None:
    version = make_approved()
    find(version)
    find(version, severity="low")
    [row] = READERS[form](api_of(officer).get(f"/api/v1/findings/export/?severity=low&as={form}"))
    assert row["severity"] == "low"


def test_what_cannot_be_read_of_a_question_is_refused(
    make_approved: Any, api_of: Any, client_of: Any, officer: Any, story: Any
) -> None:
    make_approved()
    before = story()
    for path in ("findings/export/?as=pdf", "findings/export/?severity=grave", "exceptions/export/?state=gone"):
        assert api_of(officer).get(f"/api/v1/{path}").status_code == 422, path
    page = client_of(officer).get("/findings/export/?as=pdf", follow=True)
    assert "A register is exported as csv or as xlsx." in page.content.decode()
    assert story() == before


@pytest.mark.parametrize("text", HARMFUL)
def test_no_spreadsheet_calculates_what_somebody_wrote(text: str) -> None:
    assert neutral(text) == f"'{text}"
    assert as_it_was(neutral(text)) == text


@pytest.mark.parametrize("text", ["", "Zeros become ones", "'quoted'", "1-2", "a=b", "it's"])
def test_harmless_words_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text == as_it_was(text)


def test_what_no_sheet_can_hold_is_replaced() -> None:
    assert cell_of("a\x00b\x1f\ufffe") == "a\ufffdb\ufffd\ufffd"


@pytest.mark.parametrize("form", READERS)
def test_a_hostile_title_is_text_in_the_file(form: str, make_approved: Any, find: Any, client_of: Any, officer: Any) -> None:
    find(make_approved(), title='=HYPERLINK("https://evil.example","look")', description="#REF!\x1f", reference="@x")
    [row] = READERS[form](client_of(officer).get(f"/findings/export/?as={form}"))
    assert row["title"] == '\'=HYPERLINK("https://evil.example","look")'
    assert (row["description"], row["reference"]) == ("#REF!\ufffd", "'@x")


def test_no_cell_of_a_sheet_is_a_formula_even_where_neutralising_were_missing() -> None:
    sheet = load_workbook(io.BytesIO(b"".join(as_xlsx("findings", ["a", "b"], [["=1+1", "#REF!"]])))).worksheets[0]
    assert [(cell.value, cell.data_type) for cell in sheet[2]] == [("=1+1", "s"), ("#REF!", "s")]


def test_nothing_of_another_team_leaves(make_approved: Any, find: Any, client_of: Any, stranger: Any, admin: Any) -> None:
    find(make_approved())
    for person in (stranger, admin):
        assert read_csv(client_of(person).get("/findings/export/")) == []


def test_names_leave_only_for_whoever_may_see_the_person(
    make_approved: Any, find: Any, client_of: Any, officer: Any, validator: Any
) -> None:
    find(make_approved())
    validator.memberships.all().delete()  # has left: no longer somebody of the officer's teams
    [row] = read_csv(client_of(officer).get("/findings/export/"))
    assert (row["raised_by"], row["raised_by_id"]) == ("", str(validator.pk))


def test_whoever_takes_a_register_away_is_recorded_with_how_many_rows(
    make_approved: Any, find: Any, client_of: Any, officer: Any
) -> None:
    version = make_approved()
    find(version)
    find(version, severity="low")
    client_of(officer).get("/findings/export/?severity=low&as=xlsx")
    client_of(officer).get("/exceptions/export/")
    told = [(one.actor_id, one.data) for one in Entry.objects.filter(type="register.exported").order_by("at", "pk")]
    assert told == [
        (str(officer.pk), {"register": "findings", "format": "xlsx", "rows": 1, "filtered": True}),
        (str(officer.pk), {"register": "exceptions", "format": "csv", "rows": 0, "filtered": False}),
    ]


def test_a_long_register_is_read_key_by_key_with_two_queries_for_each_part(
    make_approved: Any, find: Any, officer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = find(make_approved())
    monkeypatch.setattr(tables, "CHUNK", 5)
    copies = []
    for _ in range(11):
        copy = Finding.objects.get(pk=finding.pk)
        copy.pk = uuid7()
        copies.append(copy)
    Finding.objects.bulk_create(copies)
    rows = Finding.objects.visible_to(officer).with_parts()
    with CaptureQueriesContext(connection) as queries:
        found = list(tables.FINDINGS.rows(rows, reader=officer))
    assert [row[0] for row in found] == [str(key) for key in Finding.objects.order_by("-pk").values_list("pk", flat=True)]
    assert len([one for one in queries if "governance_finding" in one["sql"]]) == 4  # three parts, and one that is empty
    assert len(queries) <= 4 + 2 * 3


def test_a_register_longer_than_a_sheet_is_refused_with_the_way_out(
    make_approved: Any, find: Any, client_of: Any, officer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_approved()
    find(version)
    find(version)
    monkeypatch.setattr("governance.services.exporting.MOST_IN_A_SHEET", 1)
    assert "or take it as CSV" in client_of(officer).get("/findings/export/?as=xlsx", follow=True).content.decode()
    assert len(read_csv(client_of(officer).get("/findings/export/?as=csv"))) == 2


def test_the_register_page_leads_to_its_files_with_the_filters_of_the_address(
    make_approved: Any, find: Any, client_of: Any, officer: Any
) -> None:
    find(make_approved())
    page = client_of(officer).get("/findings/?severity=medium&after=&state=").content.decode()
    assert "/findings/export/?severity=medium&amp;as=csv" in page
    assert "/findings/export/?severity=medium&amp;as=xlsx" in page
