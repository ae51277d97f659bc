"""A whole report: sound, signed by others, and lying."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785

from countersign.verify import Trust, verify_report
from countersign.verify.canonical import canonical_bytes
from countersign.verify.trust import parse_trust
from tests.countersign.verify.conftest import examine, failed, why
from tests.countersign.verify.maker import (
    CHECKPOINT,
    OFFICER,
    SCIENTIST,
    Draft,
    make_draft,
    make_files,
    make_keys,
    make_report,
    manifest_of,
)

ITEMS = [
    "file structure",
    "signature",
    "signer",
    "attachments",
    "log head",
    "log entries",
    "content logged before sealing",
    "disclosures",
    "statements",
    "decision",
]


def test_every_item_of_a_sound_report_is_verified(report: bytes, trust: Trust) -> None:
    verification = verify_report(report, trust)
    assert [(item.name, item.status) for item in verification.items] == [(name, "verified") for name in ITEMS]
    assert verification.exit_code == 0


def test_without_trust_signer_and_log_head_are_not_checked(report: bytes) -> None:
    verification = verify_report(report, None)
    open_items = [item.name for item in verification.items if item.status == "not checked"]
    assert open_items == ["signer", "log head"]
    assert not failed(verification)
    assert verification.exit_code == 2


def test_a_report_rebuilt_and_signed_with_other_keys_fails(trust: Trust) -> None:
    verification = verify_report(make_report(keys=make_keys(1)), trust)
    assert failed(verification) == ["signer", "log head"]
    assert verification.exit_code == 1


def test_a_report_of_the_same_site_under_a_foreign_log_fails(trust: Trust) -> None:
    stranger = make_keys(1)

    def foreign_seal(files: dict[str, bytes]) -> None:
        size, root = files["seal.txt"].split(b"\n")[1:3]
        files["seal.txt"] = stranger.seal(int(size), base64.b64decode(root))

    assert "no signature of the trusted log key" in why(make_report(change_files=foreign_seal), trust, "log head")


def test_a_seal_of_another_log_by_the_same_key_fails(trust: Trust) -> None:
    files = make_files()
    size, root = files["seal.txt"].split(b"\n")[1:3]
    files["seal.txt"] = make_keys().seal(int(size), base64.b64decode(root), origin="countersign.example/test")
    item = examine(files, trust)["log head"]
    assert item.status == "failed"
    assert "the trusted one is countersign.example/log" in item.detail


def test_a_report_without_a_signature_fails(report: bytes, trust: Trust) -> None:
    original = report[: report.index(b"%%EOF\n") + 6]
    verification = verify_report(original, trust)
    assert failed(verification) == ["file structure"]
    assert [item.status for item in verification.items[1:3]] == ["not checked", "not checked"]


def test_a_withheld_value_is_allowed_and_counted(trust: Trust) -> None:
    def erase(draft: Draft) -> None:
        draft.disclosures = [each for each in draft.disclosures if each["value"] != "Vera Lidator"]
        draft.content["sign_offs"][0]["name"] = "[withheld or erased]"

    verification = verify_report(make_report(erase), trust)
    assert verification.exit_code == 0
    assert "1 more are withheld or were erased" in verification.items[ITEMS.index("disclosures")].detail


def test_uncompressed_files_with_a_classic_table_can_be_read(trust: Trust) -> None:
    assert verify_report(make_report(pdf={"uncompressed_pdf": True}), trust).exit_code == 0


def test_a_report_of_many_pages_can_be_read(trust: Trust) -> None:
    rows = "".join(f"<tr><td>{n}</td><td>한국어 {n}</td></tr>" for n in range(300))
    assert verify_report(make_report(body=f"<h1>Long</h1><table>{rows}</table>"), trust).exit_code == 0


# -- lies in report.json, recorded and signed by the site itself ------------------------------------------------------------


def _set(section: str, number: int, **values: Any) -> Callable[[Draft], None]:
    return lambda draft: draft.content[section][number].update(values)


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (_set("sign_offs", 0, verdict="reject"), "says verdict 'reject', but the log says 'approve'"),
        (_set("sign_offs", 1, role="validator"), "says role 'validator', but the log says 'compliance_officer'"),
        (_set("sign_offs", 0, meaning="approved"), "says meaning 'approved', but the log says 'validated'"),
        (_set("sign_offs", 0, digest=CHECKPOINT), "says digest"),
        (_set("sign_offs", 0, signed_at="2026-03-01T09:00:00.000000Z"), "says signed_at"),
        (_set("sign_offs", 0, person=OFFICER), "says person"),
        (_set("sign_offs", 0, name="Somebody Else"), "states a name that is not the one disclosed"),
        (_set("sign_offs", 0, comment=""), "states a comment that is not the one disclosed"),
        (_set("sign_offs", 0, event=10), "names an event of the type version.approved"),
        (_set("sign_offs", 0, event=99), "names no entry"),
        (_set("sign_offs", 0, event=True), "names no entry"),
        (lambda draft: draft.content["sign_offs"][0].pop("verdict"), "does not say verdict"),
        (lambda draft: draft.content["sign_offs"].pop(), "keeps silent about entry 8 (sign_off.given)"),
        (_set("refusals", 0, reason="Another reason."), "says reason"),
        (lambda draft: draft.content["refusals"].clear(), "keeps silent about entry 6 (attempt.refused)"),
        (_set("releases", 0, environment="staging"), "says environment"),
        (_set("releases", 0, reason="Because."), "states a reason"),
        (lambda draft: draft.content["releases"].clear(), "keeps silent about entry 11 (release.made)"),
        (_set("alerts", 0, rule="variance"), "says rule"),
        (_set("alerts", 0, facts={"z": 0.5}), "says facts"),
        (lambda draft: draft.content["alerts"].clear(), "keeps silent about entry 12 (alert.opened)"),
        (_set("timeline", 2, type="version.approved"), "says type"),
        (_set("timeline", 2, at="2026-03-01T10:59:00.000000Z"), "says at"),
        (lambda draft: draft.content["version"].update(checkpoint="sha256:" + "0" * 64), "names another checkpoint"),
        (lambda draft: draft.content["version"].update(id="01900009-0000-7000-8000-000000000000"), "is about the version"),
        (lambda draft: draft.named.remove(4), "leaves out events about the review"),
        (lambda draft: draft.named.remove(2), "leaves out events about the version"),
    ],
)
def test_a_statement_that_its_event_does_not_bear_out_fails(lie: Callable[[Draft], None], sentence: str, trust: Trust) -> None:
    item = examine(make_files(lie), trust)["statements"]
    assert item.status == "failed"
    assert sentence in item.detail


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        (lambda draft: draft.content["decision"].update(outcome="approved"), "states the decision 'approved'"),
        (lambda draft: draft.content["version"].update(state="approved"), "says that the version is approved"),
        (lambda draft: draft.content["decision"].update(outcome="blocked", reasons=[]), "gives no reason"),
        (lambda draft: draft.content.update(suspension=None), "keeps silent about the suspension"),
        (lambda draft: draft.content["suspension"].update(reason="none"), "states another reason"),
        (lambda draft: _signed_by(draft, SCIENTIST), "of the person who submitted"),
        (lambda draft: _sign_other_digest(draft, 7, 8), "No signature in the log approves"),
        (lambda draft: _sign_other_digest(draft, 8), "lacks a signature of the role compliance_officer"),
    ],
)
def test_a_decision_that_does_not_follow_from_the_events_fails(lie: Callable[[Draft], None], sentence: str, trust: Trust) -> None:
    items = examine(make_files(lie), trust)
    assert [name for name, item in items.items() if item.status == "failed"] == ["decision"]
    assert sentence in items["decision"].detail


def _signed_by(draft: Draft, person: str) -> None:
    draft.log.events[7]["actor"]["id"] = draft.content["sign_offs"][0]["person"] = person


def _sign_other_digest(draft: Draft, *indexes: int) -> None:
    for statement in draft.content["sign_offs"]:
        if statement["event"] in indexes:
            statement["digest"] = draft.log.events[statement["event"]]["data"]["digest"] = CHECKPOINT


def test_content_that_was_not_logged_fails(trust: Trust) -> None:
    def other(draft: Draft) -> None:
        draft.composed = CHECKPOINT

    assert "No entry of the type report.composed" in why(make_report(other), trust, "content logged before sealing")


# -- attachments changed after sealing, and signed by the site itself -------------------------------------------------------


def _extract(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[dict[str, bytes]], None]:
    def edit(files: dict[str, bytes]) -> None:
        lines = [json.loads(line) for line in files["log-extract.jsonl"].splitlines()]
        change(lines)
        files["log-extract.jsonl"] = "".join(json.dumps(line) + "\n" for line in lines).encode()

    return edit


def _replace(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({name: files[name].replace(old, new, 1)})


@pytest.mark.parametrize(
    ("change", "item"),
    [
        (_extract(lambda lines: lines.reverse()), "log entries"),
        (_extract(lambda lines: lines.insert(1, lines[0])), "log entries"),
        (_extract(lambda lines: lines[3]["proof"].pop()), "log entries"),
        (_extract(lambda lines: lines[3]["proof"].append(lines[3]["proof"][0])), "log entries"),
        (_extract(lambda lines: lines[3].update(index=4.0)), "log entries"),
        (_extract(lambda lines: lines[3].update(body=lines[3]["body"] + " ")), "log entries"),
        (_extract(lambda lines: lines[3].update(body=lines[3]["body"].replace("10:04", "10:05"))), "log entries"),
        (_extract(lambda lines: lines[3].update(more=1)), "log entries"),
        (_extract(lambda lines: lines[3].update(body="\ud800")), "log entries"),
        (_extract(lambda lines: lines[3]["proof"].__setitem__(0, lines[3]["proof"][0].rstrip("=") + "==")), "log entries"),
        (_extract(lambda lines: lines.clear()), "log entries"),
        (_replace("seal.txt", b"\n16\n", b"\n17\n"), "log head"),
        (_replace("seal.txt", b"countersign.example/log\n", b"countersign.example/lob\n"), "log head"),
        (_replace("disclosures.json", b"Looks right", b"Looks wrong"), "disclosures"),
        (_replace("disclosures.json", b'"path": "comment"', b'"path": "role"'), "disclosures"),
        (_replace("report.json", b"Reads handwritten", b"Reads typewritten"), "content logged before sealing"),
        (_replace("report.json", b"{", b"{ "), "content logged before sealing"),
        (lambda files: files.pop("seal.txt"), "log head"),
        (lambda files: files.pop("report.json"), "content logged before sealing"),
    ],
)
def test_an_attachment_that_does_not_fit_the_seal_is_named(
    change: Callable[[dict[str, bytes]], None], item: str, trust: Trust
) -> None:
    items = examine(make_files(change_files=change), trust)
    assert next(name for name, each in items.items() if each.status == "failed") == item


def test_an_erased_entry_of_the_manifest_a_wrong_size_and_swapped_files_are_found(trust: Trust) -> None:
    def swapped(files: dict[str, bytes]) -> bytes:
        files["card.json"], files["VERIFY.txt"] = files["VERIFY.txt"], files["card.json"]
        return manifest_of(files | {"card.json": files["VERIFY.txt"], "VERIFY.txt": files["card.json"]})

    def changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, bytes]], bytes]:
        def edit(files: dict[str, bytes]) -> bytes:
            manifest = json.loads(manifest_of(files))
            change(manifest["files"])
            return json.dumps(manifest).encode()

        return edit

    for manifest, sentence in [
        (swapped, "VERIFY.txt is not the file"),
        (changed(lambda listed: listed.pop("card.json")), "card.json is attached, but"),
        (changed(lambda listed: listed.update({"more.txt": {}})), "'more.txt', which is not attached"),
        (changed(lambda listed: listed["card.json"].update(size=1)), "card.json is not the file"),
        (changed(lambda listed: listed["card.json"].update(sha256="0" * 64)), "card.json is not the file"),
        (lambda files: b'{"format":"countersign-manifest/1","files":{},"files":{}}', "the same name twice"),
    ]:
        assert sentence in why(make_report(manifest=manifest), trust, "attachments")


def test_trust_in_another_site_fails_on_signer_and_log_head(report: bytes) -> None:
    other = parse_trust(make_keys(1).trust())
    assert failed(verify_report(report, other)) == ["signer", "log head"]


def test_the_maker_and_the_verifier_write_the_same_canonical_json() -> None:
    assert canonical_bytes(make_draft().content) == rfc8785.dumps(make_draft().content)
