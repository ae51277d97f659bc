"""The pages: complete, accessible, and closed to everything but the data they were given."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import socket
import threading
from typing import Any

import pikepdf
import pytest

from audit.attachments import attachments
from audit.composing import Composition, compose
from audit.printing import NotRendered, rendering
from audit.printing.tables import sections_of, tables_of
from ledger.services import sequence_and_seal

SECRET = "a secret that no report may hold"


def job(html: str, **more: Any) -> dict[str, Any]:
    return {
        "html": html,
        "css": "",
        "identifier": "00" * 16,
        "written": "2026-01-31T12:00:00.000000Z",
        "memory": rendering.MEMORY,
        "files": [],
    } | more


def page_with(body: str) -> str:
    return f'<!doctype html><html lang="en"><head><title>t</title></head><body>{body}</body></html>'


@pytest.fixture
def secret_file(tmp_path: Any) -> str:
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path.as_uri()


@pytest.mark.parametrize(
    "body",
    [
        '<link rel="attachment" href="{address}">',
        '<a rel="attachment" href="{address}">x</a>',
        '<img src="{address}" alt="x">',
        '<object data="{address}"></object>',
        '<p style="background: url({address})">x</p>',
        '<style>@import url("{address}");</style><p>x</p>',
        '<style>@font-face {{ font-family: f; src: url("{address}") }} p {{ font-family: f }}</style><p>x</p>',
        '<svg width="9" height="9"><image href="{address}" width="9" height="9"/><use href="{address}#x"/></svg>',
    ],
)
def test_no_file_of_the_server_gets_into_a_page(body: str, secret_file: str) -> None:
    made = rendering._in_a_process(job(page_with(body.format(address=secret_file))))
    pdf = pikepdf.open(io.BytesIO(made.pdf))
    assert not any("EmbeddedFile" in str(obj.get("/Type", "")) for obj in pdf.objects if isinstance(obj, pikepdf.Stream))
    content = b"".join(obj.read_bytes() for obj in pdf.objects if isinstance(obj, pikepdf.Stream) and "/Subtype" not in obj)
    assert SECRET.encode() not in content


def test_a_picture_inside_a_picture_reaches_no_file(secret_file: str) -> None:
    inner = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="{secret_file}" width="9" height="9"/></svg>'
    )
    body = f'<img alt="x" src="data:image/svg+xml;base64,{base64.b64encode(inner.encode()).decode()}">'
    assert SECRET.encode() not in rendering._in_a_process(job(page_with(body))).pdf


def test_nothing_is_asked_of_the_network() -> None:
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def listen() -> None:
            try:
                peer, _address = server.accept()
            except OSError:
                return
            asked.append(peer.recv(100))
            peer.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        css = f'@import url("{address}"); p {{ background: url("{address}") }}'
        body = f'<link rel="stylesheet" href="{address}"><img src="{address}" alt="x"><link rel="attachment" href="{address}">'
        rendering._in_a_process(job(page_with(body), css=css))
    thread.join(5)
    assert asked == []


def test_what_was_not_loaded_is_noted(secret_file: str, caplog: pytest.LogCaptureFixture) -> None:
    rendering._in_a_process(job(page_with(f'<img src="{secret_file}" alt="x">')))
    assert "Parts of a report's pages were not loaded." in caplog.messages


def test_the_process_gets_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, str]] = []
    real = rendering.subprocess.run

    def watched(*args: Any, **more: Any) -> Any:
        given.append(more["env"])
        return real(*args, **more)

    monkeypatch.setenv("COUNTERSIGN_SECRET_KEY", SECRET)
    monkeypatch.setattr(rendering.subprocess, "run", watched)
    rendering._in_a_process(job(page_with("x")))
    assert SECRET not in given[0].values()
    assert not any(name.startswith(("COUNTERSIGN", "DATABASE", "REDIS", "AWS")) for name in given[0])


def test_a_page_that_needs_too_much_is_refused_in_a_sentence() -> None:
    with pytest.raises(NotRendered, match="could not be made"):
        rendering._in_a_process(job(page_with("x"), memory=1 << 20))


# -- the report ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def composed(db: None, suspended: Any, ask: Any) -> Composition:
    return compose(ask(suspended))


def html_of(composition: Composition) -> str:
    seal = sequence_and_seal()
    assert seal is not None
    files = attachments(composition, seal=seal, composed=composition.material.entries[-1].pk)
    return rendering.page(composition, files, seal=seal)


def test_the_contents_name_every_section(composed: Composition) -> None:
    html = html_of(composed)
    named = re.findall(r'<li><a href="#([a-z]+)">([^<]+)</a></li>', html)
    sections = re.findall(r'<section class="part[^"]*" id="([a-z]+)">\s*<h2>([^<]+)</h2>', html)
    assert named == sections
    assert len(sections) == 12


def test_the_decision_the_keys_and_the_log_stand_on_the_first_page(composed: Composition) -> None:
    from audit.trust import trust  # noqa: PLC0415 - beside what it is compared with

    cover = html_of(composed).split('class="contents"')[0]
    assert "Suspended" in cover
    assert composed.content["alerts"][0]["sentence"][:60] in cover
    assert trust()["report_certificate_sha256"] in cover
    assert trust()["log_key"] in cover.replace("&#x27;", "'")


def test_every_signature_shows_name_role_meaning_time_digest_and_proof(composed: Composition) -> None:
    html = html_of(composed).split('id="signatures"')[1].split('id="refusals"')[0]
    for one in composed.content["sign_offs"]:
        for part in (one["name"], one["role_words"], one["meaning_words"], one["digest"], one["record"], "+00:00", "password"):
            assert part in html


def test_what_people_wrote_is_shown_and_never_run(make_review: Any, ask: Any, db: None) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}{% now 'Y' %}"
    from tests.plugins_versions import CARD  # noqa: PLC0415 - only here

    html = html_of(compose(ask(make_review(card=CARD | {"overview": hostile}).version)))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)" in html
    assert "{{ 7|add:7 }}" in html


def test_the_file_is_tagged_titled_and_in_a_language(composed: Composition) -> None:
    seal = sequence_and_seal()
    assert seal is not None
    files = attachments(composed, seal=seal, composed=composed.material.entries[-1].pk)
    made = rendering.render(composed, files, seal=seal)
    pdf = pikepdf.open(io.BytesIO(made.pdf))
    assert str(pdf.Root.Lang) == "en"
    assert pdf.Root.MarkInfo.Marked
    assert "/StructTreeRoot" in pdf.Root
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    metadata = pdf.Root.Metadata.read_bytes()
    assert b"pdfaid" in metadata
    assert composed.content["report"]["title"].encode() in metadata
    assert set(pdf.attachments) == set(files)
    assert len(pdf.pages) == made.pages
    for name, file in files.items():
        assert hashlib.sha256(pdf.attachments[name].get_file().read_bytes()).hexdigest() == file.sha256


def test_long_tables_are_cut_where_the_attachments_have_all(composed: Composition) -> None:
    line = composed.content["timeline"][0]
    composed.content["timeline"] = [line | {"event": 10_000 + n} for n in range(700)]
    html = html_of(composed)
    assert html.count("<td>10") == 500
    assert "The first 500 of 700 entries" in html


def metric(name: str, label: str, check: str = "performance") -> dict[str, Any]:
    words = {"name": name, "measure": name, "value": "90 %", "interval": "…", "bounds": "80–95 %", "rows": "7 rows"}
    return {
        "check": check,
        "name": name,
        "label": label,
        "confidence": 0.95,
        "method": "jeffreys",
        "n": 7,
        "words": words,
    }


def test_each_check_has_its_own_part_with_its_charts_and_tables() -> None:
    chart = {"name": "recall", "check": "performance", "table": {"columns": ["Class"], "rows": [["a"]]}}
    run = {
        "charts": [chart],
        "metrics": [
            metric("accuracy", "x = y", "slices"),
            metric("accuracy", "x = z", "slices"),
            metric("moon", "", "astrology"),
            metric("accuracy", ""),
            metric("recall", "a"),
            metric("recall", "b"),
        ],
    }
    performance, slices, astrology = sections_of(run)
    assert [one["title"] for one in (performance, slices, astrology)] == ["Performance", "Parts of the data", "Astrology"]
    assert [one["title"] for one in performance["tables"]] == ["Of the whole"]  # recall stands beside its picture
    assert performance["charts"] == [chart | {"method": "95 %, jeffreys"}]
    assert [(one["title"], one["kind"]) for one in slices["tables"]] == [("Of each part", "Part")]
    assert slices["says"] and astrology["says"] == ""


def test_numbers_by_class_stand_beside_one_another() -> None:
    metrics = [
        metric("accuracy", ""),
        metric("recall", ""),
        metric("recall", "a"),
        metric("recall", "b"),
        metric("precision", "a"),
    ]
    metrics += [metric("precision", "b"), metric("top_k_accuracy", "3")]
    whole, by_class = tables_of(metrics)
    assert [one["name"] for one in whole["rows"]] == ["accuracy", "recall", "top_k_accuracy"]
    assert [column["name"] for column in by_class["columns"]] == ["recall", "precision"]
    assert [row["label"] for row in by_class["rows"]] == ["a", "b"]
    assert all(cell["rows"] == "n = 7" for row in by_class["rows"] for cell in row["cells"])
