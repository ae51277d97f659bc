"""Findings come in from files: what each row does is told first, and is exactly what is done, by the rights of who brings it."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from core import clock
from core.errors import InvalidInput, NotAllowed, WrongState
from governance import services
from governance.models import Finding
from governance.registers import incoming
from governance.registers.planning import COLUMNS, plan_of
from governance.services import importing
from models_registry.models import Version

pytestmark = pytest.mark.django_db
HEAD = ["reference", "title", "severity", "source", "due_on", "model", "version"]


@pytest.fixture
def find(validator: Any, scientist: Any) -> Any:
    def make(thing: Any, **more: Any) -> Finding:
        given = {"title": "Zeros become ones", "severity": "medium", "source": "review", "due_on": date(2027, 1, 31)}
        return services.raise_finding(thing, **{"by": validator, "owner": scientist} | given | more)

    return make


def read(data: bytes) -> incoming.Sheet:
    return incoming.read_sheet([data], name="findings", columns=COLUMNS)


def as_csv(*rows: list[str], sign: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=sign).writerows(rows)
    return text.getvalue().encode()


def as_xlsx(*rows: list[Any]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def sheet_of(*rows: dict[str, str], digest: str = "sha256:" + "0" * 64) -> incoming.Sheet:
    """As the reader gives it, without starting the sandbox."""
    return incoming.Sheet(digest, "csv", [incoming.Row(place, dict(row)) for place, row in enumerate(rows, start=2)])


def new_row(version: Any, **more: Any) -> dict[str, str]:
    given = {"title": "Sevens become ones", "severity": "high", "due_on": "2027-02-01", "reference": "JIRA-9"}
    return given | {"model": version.model.name, "version": str(version.number)} | more


def only(sheet: incoming.Sheet, by: Any) -> Any:
    [line] = plan_of(sheet, by=by).lines
    return line


# -- reading ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_was_exported_comes_in_again_and_changes_nothing(
    form: str, make_approved: Any, find: Any, client_of: Any, officer: Any, scientist: Any
) -> None:
    version = make_approved()
    find(version, title="=1+1", description="한글\nand a second line; 'quoted'", reference="-7")
    ready = find(version, severity="low")
    services.plan_finding(ready, by=scientist, plan="More zeros.")
    data = b"".join(client_of(officer).get(f"/findings/export/?as={form}").streaming_content)
    plan = plan_of(read(data), by=officer)
    assert [(one.outcome, one.sentence) for one in plan.lines] == [("unchanged", "")] * 2
    with pytest.raises(WrongState, match="every row says what stands here"):
        services.import_findings(plan.sheet, by=officer)


@pytest.mark.parametrize(
    "data",
    [
        as_csv(HEAD, ["R1", "Sevens", "high", "audit", "2027-02-01", "m", "3"]),
        as_csv(HEAD, ["R1", "Sevens", "high", "audit", "2027-02-01", "m", "3"], sign=";"),
        "\ufeff".encode() + as_csv(HEAD, ["R1", "Sevens", "high", "audit", "2027-02-01", "m", "3"]),
        as_csv(HEAD, ["R1", "Sevens", "high", "audit", "2027-02-01", "m", "3"], sign="\t").decode().encode("utf-16"),
        as_xlsx([], HEAD, [], ["R1", "Sevens", "high", "audit", datetime(2027, 2, 1), "m", 3.0]),
    ],
)
def test_files_are_read_as_spreadsheets_write_them(data: bytes) -> None:
    [row] = read(data).rows
    cells = ["R1", "Sevens", "high", "audit", "2027-02-01", "m", "3"]
    assert row.cells == dict(zip(HEAD, cells, strict=True)) and not row.wrong


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (201 << 20))
    return file.getvalue()


def laughs() -> bytes:
    """A sheet whose XML defines entities of entities."""
    file, clean = io.BytesIO(), zipfile.ZipFile(io.BytesIO(as_xlsx(HEAD, ["R1"])))
    kinds = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha" * 50}">' for n in range(12))
    with zipfile.ZipFile(file, "w") as archive:
        for name in clean.namelist():
            content = clean.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"<worksheet", f"<!DOCTYPE worksheet [{kinds}]><worksheet".encode(), 1)
                assert b"R1" in content
                content = content.replace(b"R1", b"&e11;")
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\n\n", "holds no row"),
        (b"a,b\n1,2\n", "names none of the columns"),
        (b"title,Title\nx,y\n", "stands twice"),
        ("title\n한글\n".encode("cp949"), "CSV UTF-8"),
        (b"title\n\x00\n", "CSV UTF-8"),
        (b'title\n"open\n', "cannot be read as CSV"),
        (b"title\n" + b"x" * 20_001 + b"\n", "more than 20,000 characters"),
        (b"title\n" + b"x\n" * 5_001, "more than 5,000 rows"),
        (b"title\n" + b"\n" * 20_001 + b"x\n", "more than 20,000 lines"),
        (b"," * 200, "100 columns"),
        (b"PK\x03\x04broken", "no XLSX file"),
        (b"\xd0\xcf\x11\xe0old", "old spreadsheet"),
        (b"x" * ((10 << 20) + 1), "larger than 10 MB"),
        (bomb(), "unpacks to more than 200 MB"),
        (laughs(), "no XLSX file|within its limits"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(data: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read(data)


def test_a_formula_is_refused_where_it_stands(make_approved: Any, officer: Any) -> None:
    make_approved()
    sheet = read(as_xlsx(["title", "severity"], ["=1+1", "high"]))
    assert "Column title: it holds a formula" in only(sheet, officer).sentence


# -- what a row does ----------------------------------------------------------------------------------------------------------


def test_a_new_row_raises_a_finding_as_by_hand(make_approved: Any, officer: Any, scientist: Any, story: Any) -> None:
    version, before = make_approved(), len(story())
    services.import_findings(sheet_of(new_row(version, owner=scientist.name)), by=officer)
    finding = Finding.objects.get()
    assert (finding.title, finding.severity, finding.source, finding.reference) == (
        "Sevens become ones",
        "high",
        "other",
        "JIRA-9",
    )
    assert (finding.version, finding.owner, finding.raised_by) == (version, scientist, officer)
    assert str(version.created_by_id) in {str(one) for one in finding.contributors}
    assert story()[before:] == ["finding.raised", "register.imported"]
    assert only(sheet_of(new_row(version)), officer).outcome == "unchanged"  # by its reference


def test_a_critical_row_takes_the_approval_back(make_approved: Any, officer: Any, story: Any) -> None:
    version = make_approved()
    services.import_findings(sheet_of(new_row(version, severity="critical")), by=officer)
    assert Version.objects.get(pk=version.pk).state == "suspended"
    assert "version.suspended" in story()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"title": ""}, "Column title"),
        ({"title": "x" * 201}, "Column title: it has more than 200"),
        ({"severity": "grave"}, "Column severity: write one of critical, high"),
        ({"source": "jira"}, "Column source"),
        ({"due_on": ""}, "Column due_on: it is empty"),
        ({"due_on": "1/2/27"}, "“1/2/27” is no day"),
        ({"due_on": "2027-02-30"}, "is no day"),
        ({"model": ""}, "Columns model and dataset"),
        ({"dataset": "digits"}, "Columns model and dataset"),
        ({"model": "nothing"}, "Column model: there is no nothing"),
        ({"version": "99"}, "Column version"),
        ({"version": "first"}, "Column version: write the number alone"),
        ({"team": "nowhere"}, "Column team"),
        ({"state": "closed"}, "begins as open"),
        ({"plan": "More."}, "Column plan: a new finding has none yet"),
        ({"owner": "Nobody"}, "Column owner: there is no such person"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "Column id: there is no such finding"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_its_column(change: Any, why: str, make_approved: Any, officer: Any) -> None:
    line = only(sheet_of(new_row(make_approved()) | change), officer)
    assert line.outcome == "refused" and why in line.sentence


def test_who_may_not_raise_findings_imports_none(make_approved: Any, scientist: Any, story: Any) -> None:
    sheet = sheet_of(new_row(make_approved()))
    assert only(sheet, scientist).outcome == "refused"
    with pytest.raises(NotAllowed, match="raise findings"):
        services.import_findings(sheet, by=scientist)
    assert not Finding.objects.exists() and story()[-1] == "attempt.refused"


def test_a_reference_alone_names_the_finding_that_has_it(make_approved: Any, find: Any, officer: Any) -> None:
    find(make_approved(), reference="R1")
    assert only(sheet_of({"reference": "R1", "severity": "high"}), officer).outcome == "changed"
    assert "Columns model and dataset" in only(sheet_of({"reference": "R2", "severity": "high"}), officer).sentence


def test_a_stranger_finds_nothing_by_id_name_or_reference(make_approved: Any, find: Any, make_person: Any) -> None:
    version = make_approved()
    row, stranger = find(version, reference="R1"), make_person("Stranger")
    for given in ({"id": str(row.pk)}, new_row(version), {"reference": "R1", "team": version.model.team.slug}):
        line = only(sheet_of(given), stranger)
        assert line.outcome == "refused" and line.title != row.title


@pytest.mark.parametrize("column", ["title", "description", "source", "reference", "model", "version", "team"])
def test_what_was_found_is_not_rewritten(column: str, make_approved: Any, find: Any, officer: Any) -> None:
    found = find(make_approved(), reference="R1")
    line = only(sheet_of({"id": str(found.pk), column: "audit"}), officer)
    assert line.outcome == "refused" and f"Column {column}" in line.sentence


def test_severity_due_date_and_owner_change_by_who_may(
    make_approved: Any, find: Any, officer: Any, scientist: Any, other_scientist: Any, story: Any
) -> None:
    found = find(make_approved())
    row = {"id": str(found.pk), "severity": "low", "due_on": "2027-03-01", "owner_id": str(other_scientist.pk)}
    refused = only(sheet_of(row), scientist)
    assert refused.outcome == "refused" and refused.denied
    before = len(story())
    services.import_findings(sheet_of(row), by=officer)
    found.refresh_from_db()
    assert (found.severity, found.due_on, found.owner) == ("low", date(2027, 3, 1), other_scientist)
    assert story()[before:] == ["finding.revised", "register.imported"]


def test_the_owner_plans_and_mends_and_somebody_else_closes(
    make_approved: Any, find: Any, officer: Any, validator: Any, scientist: Any, story: Any
) -> None:
    found, before = find(make_approved()), len(story())
    mended = {"id": str(found.pk), "state": "ready_for_retest", "plan": "More zeros.", "done": "400 more."}
    assert only(sheet_of(mended), officer).denied
    services.import_findings(sheet_of(mended), by=scientist)
    closed = {"id": str(found.pk), "state": "closed", "retest_reason": "It is gone."}
    for person in (scientist,):  # the owner, whose own work it is
        assert only(sheet_of(closed), person).denied
    services.import_findings(sheet_of(closed), by=validator)
    found.refresh_from_db()
    assert found.state == "closed" and found.retested_by == validator
    steps = ["finding.started", "finding.ready", "register.imported", "finding.closed", "register.imported"]
    assert story()[before:] == steps


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"state": "closed"}, "there is no single step"),
        ({"state": "accepted"}, "by an exception alone"),
        ({"state": "in_progress"}, "Column plan"),
        ({"state": "ready_for_retest"}, "Column done"),
        ({"done": "400 more."}, "goes with the state ready_for_retest"),
        ({"plan": "More."}, "goes with the state in_progress"),
        ({"retest_reason": "Gone."}, "goes with the state closed"),
    ],
)
def test_a_step_that_there_is_not_is_refused(row: Any, why: str, make_approved: Any, find: Any, scientist: Any) -> None:
    found = find(make_approved())
    line = only(sheet_of({"id": str(found.pk)} | row), scientist)
    assert line.outcome == "refused" and why in line.sentence


def test_two_rows_about_one_finding_are_refused(make_approved: Any, officer: Any) -> None:
    version = make_approved()
    plan = plan_of(sheet_of(new_row(version), new_row(version)), by=officer)
    assert [one.outcome for one in plan.lines] == ["new", "refused"] and "Row 2" in plan.lines[1].sentence


# -- all or nothing, as previewed ---------------------------------------------------------------------------------------------


def test_either_every_row_is_imported_or_none(make_approved: Any, officer: Any, story: Any) -> None:
    version, before = make_approved(), len(story())
    with pytest.raises(InvalidInput, match=r"Nothing was imported: 1 row is refused\. Row 3"):
        services.import_findings(sheet_of(new_row(version), {"title": "About nothing"}), by=officer)
    with pytest.raises(InvalidInput, match=r"Nothing was imported: 2 rows are refused\. Row 2"):
        services.import_findings(sheet_of({"title": "About nothing"}, {"title": "Nor this"}), by=officer)
    assert not Finding.objects.exists() and story()[before:] == []


def test_what_is_written_is_what_was_looked_at(make_approved: Any, find: Any, officer: Any, validator: Any) -> None:
    found = find(make_approved())
    sheet = sheet_of({"id": str(found.pk), "severity": "low"})
    seen = plan_of(sheet, by=officer).digest
    services.revise_finding(found, by=officer, severity="high", due_on=found.due_on)
    with pytest.raises(WrongState, match="changed since you looked"):
        services.import_findings(sheet, by=officer, expected=seen)
    services.import_findings(sheet, by=officer, expected=plan_of(sheet, by=officer).digest)
    found.refresh_from_db()
    assert found.severity == "low"


def test_a_row_that_changed_before_its_lock_was_taken_is_not_imported(
    make_approved: Any, find: Any, officer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nobody looked at a preview: the row stood as the file says, so nothing of it was locked."""
    version = make_approved()
    same, other = find(version, severity="low"), find(version, title="Eights become threes")
    sheet = sheet_of(*({"id": str(one.pk), "severity": "low"} for one in (same, other)))
    lock = importing._lock

    def meanwhile(plan: Any) -> None:
        Finding.objects.filter(pk=same.pk).update(severity="high")  # by somebody whose act ends before the locks are taken
        lock(plan)

    monkeypatch.setattr(importing, "_lock", meanwhile)
    with pytest.raises(WrongState, match="changed at the same moment") as refused:
        services.import_findings(sheet, by=officer)
    assert refused.value.code == "preview_outdated"
    assert Finding.objects.get(pk=other.pk).severity == "medium"


@pytest.fixture
def forty(make_approved: Any, make_model: Any, make_data: Any, find: Any, scientist: Any) -> list[Finding]:
    """Findings about forty things: clones and their clones, models as a whole and data."""
    version, model, data = make_approved(), make_model("twin"), make_data("digits-more")
    found = [find(thing) for thing in (version, model, data)]
    for number in range(37):
        now = clock.now()
        source = {"version": str(version.pk)}
        version = Version.objects.create(
            model=model, number=number + 1, created_by=scientist, created_at=now, source=source if number < 2 else {}
        )
        found.append(find(version))
    return found


@pytest.mark.parametrize("change", [{"severity": "low"}, {"state": "closed", "retest_reason": "Gone."}])
def test_a_plan_of_many_changed_rows_costs_a_constant_number_of_queries(
    change: dict[str, str], forty: list[Finding], officer: Any
) -> None:
    Finding.objects.update(state="ready_for_retest" if "state" in change else "open")
    rows = [{"id": str(one.pk)} | change for one in forty]
    few, many = sheet_of(*rows[:5]), sheet_of(*rows)  # five: each kind of thing, and the longest way to an original
    plan_of(few, by=officer)
    with CaptureQueriesContext(connection) as once:
        assert plan_of(few, by=officer).counts["changed"] == 5
    with CaptureQueriesContext(connection) as often:
        assert plan_of(many, by=officer).counts["changed"] == 40
    assert len(often) == len(once)


def test_the_import_of_many_changed_rows_asks_once_whose_work_they_are_about(forty: list[Finding], officer: Any) -> None:
    def asked(*rows: dict[str, str]) -> int:
        with CaptureQueriesContext(connection) as queries:
            services.import_findings(sheet_of(*rows), by=officer)
        return sum(one["sql"].startswith('SELECT "models_registry_modelcard"."version_id"') for one in queries)

    rows = [{"id": str(one.pk), "severity": "low"} for one in forty]
    assert asked(rows[3]) == asked(*rows[4:]) == 3  # by each of two plans, and by the deed


def test_a_plan_of_many_rows_costs_a_constant_number_of_queries(
    make_approved: Any, officer: Any, django_assert_num_queries: Any
) -> None:
    version = make_approved()
    rows = [new_row(version, reference=f"R{number}") for number in range(40)]
    plan_of(sheet_of(rows[0]), by=officer)
    with django_assert_num_queries(4):
        plan_of(sheet_of(rows[0]), by=officer)
    with django_assert_num_queries(4):
        assert plan_of(sheet_of(*rows), by=officer).counts["new"] == 40


# -- the edges ----------------------------------------------------------------------------------------------------------------


def test_the_page_shows_each_row_and_writes_what_is_confirmed(
    make_approved: Any, officer: Any, auditor: Any, client_of: Any
) -> None:
    version, client = make_approved(), client_of(officer)
    data = as_csv(HEAD, ["R1", "Sevens", "high", "audit", "2027-02-01", version.model.name, str(version.number)])
    answer = client.post("/findings/import/", {"file": SimpleUploadedFile("findings.csv", data)})
    assert answer.status_code == 303 and not Finding.objects.exists()
    page = client.get(answer["Location"])
    assert "Sevens" in page.content.decode() and "Import these rows" in page.content.decode()
    assert client_of(auditor).get(answer["Location"]).status_code == 303  # whose file it is not
    plan = page.context["plan"].digest
    assert client.post(answer["Location"], {"plan": "sha256:" + "0" * 64}).status_code == 409
    done = client.post(answer["Location"], {"plan": plan}, follow=True)
    assert "1 new" in done.content.decode() and Finding.objects.get().reference == "R1"
    again = client.post(answer["Location"], {"plan": plan}, follow=True)
    assert "no longer kept" in again.content.decode() and Finding.objects.count() == 1


def test_of_two_confirmations_at_once_one_imports(
    make_approved: Any, officer: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, client, second = make_approved(), client_of(officer), client_of(officer)
    data = as_csv(HEAD, ["", "Sevens", "high", "audit", "2027-02-01", version.model.name, str(version.number)])
    place = client.post("/findings/import/", {"file": SimpleUploadedFile("findings.csv", data)})["Location"]
    plan = client.get(place).context["plan"].digest
    imported, others = services.import_findings, []

    def meanwhile(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(services, "import_findings", imported)
        others.append(second.post(place, {"plan": plan}))
        return imported(*args, **options)

    monkeypatch.setattr(services, "import_findings", meanwhile)
    client.post(place, {"plan": plan})
    assert others[0].headers["Location"] == "/findings/import/" and Finding.objects.count() == 1


def test_a_page_that_cannot_import_offers_no_button(make_approved: Any, officer: Any, client_of: Any) -> None:
    make_approved()
    client = client_of(officer)
    for data in (b"title\nAbout nothing\n", "title\n한글\n".encode("cp949")):
        answer = client.post("/findings/import/", {"file": SimpleUploadedFile("findings.csv", data)}, follow=True)
        assert "Import these rows" not in answer.content.decode()
    assert answer.status_code == 422 and "CSV UTF-8" in answer.content.decode()


def test_the_api_says_what_would_happen_and_does_it(make_approved: Any, officer: Any, api_of: Any) -> None:
    version, api = make_approved(), api_of(officer)
    data = as_csv(HEAD, ["R1", "Sevens", "high", "audit", "2027-02-01", version.model.name, str(version.number)])

    def send(query: str) -> Any:
        return api.post(f"/api/v1/findings/import/{query}", data, content_type="application/octet-stream")

    told = send("?dry_run=yes").json()
    assert (told["new"], told["written"], told["rows"][0]["row"]) == (1, False, 2) and not Finding.objects.exists()
    assert send(f"?plan=sha256:{'0' * 64}").status_code == 409
    assert send(f"?plan={told['plan']}").json()["written"] and Finding.objects.count() == 1
    assert send("").status_code == 409  # nothing new
