"""A report is made once, from what the log says, and is given out only if anybody could verify it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from audit import jobs, signing
from audit.attachments import attachments
from audit.composing import compose
from audit.models import Report
from audit.printing import NotRendered, rendering
from core import blobs
from core.canonical import sha256_of
from core.errors import NotAllowed, WrongState
from data_registry import services as data
from governance import services as governance
from ledger.leases import claim
from ledger.models import Event, Leaf, PrivateValue
from ledger.services import erase_person, latest_seal, sequence_and_seal
from models_registry.cloning import clone_as_model
from models_registry.models import Version
from monitoring.models import Alert
from tests.audit.conftest import files_in, silence, work
from tests.plugins_versions import CARD, REFUSED, measured

pytestmark = pytest.mark.django_db
ALL = {
    *("file structure", "signature", "signer", "attachments", "log head", "log entries"),
    *("content logged before sealing", "disclosures", "statements", "decision"),
}


def content_of(report: Report) -> dict[str, Any]:
    return json.loads(files_in(blobs.read(report.pdf_digest))["report.json"])


def test_the_report_of_a_clone_tells_whose_bytes_it_has_and_is_verified(
    approved: Any, scientist: Any, team: Any, make: Any, verify: Any
) -> None:
    original = approved
    clone = clone_as_model(original, by=scientist, team=team, name="shop-reader")
    governance.submit(clone, by=scientist)
    report = make(Version.objects.with_parts().get(pk=clone.pk))
    assert (report.state, report.error) == ("completed", "")
    code, items = verify(report)
    assert (code, set(items.values())) == (0, {"verified"})
    content = content_of(report)
    assert content["version"]["cloned_from"] == [
        {"id": str(original.pk), "name": "digit-reader v1", "team": team.name, "checkpoint": original.checkpoint_digest}
    ]
    assert content["sign_offs"] == [] and "Cloned from digit-reader v1" in str(content["timeline"])


def test_the_report_of_a_suspended_version_is_verified_by_anybody_with_the_keys(
    suspended: Any, make: Any, verify: Any, story: Any
) -> None:
    before = len(story())
    report = make(suspended)
    assert (report.state, report.error, report.outcome) == ("completed", "", "suspended")
    assert report.pages > 5
    assert story()[before:] == ["report.requested", "report.started", "report.composed", "report.issued"]
    code, items = verify(report)
    assert (code, set(items), set(items.values())) == (0, ALL, {"verified"})
    code, items = verify(report, None)
    assert code == 2
    assert {name for name, status in items.items() if status == "not checked"} == {"signer", "log head"}
    content = content_of(report)
    assert content["decision"]["outcome"] == content["version"]["state"] == "suspended"
    assert content["suspension"]["reason"] == "prediction_distribution"
    assert [one["role"] for one in content["sign_offs"]] == ["validator", "data_protection_officer", "compliance_officer"]
    assert {one["comment"] for one in content["sign_offs"]} >= {"Read as validator."}
    assert [one["attempt"] for one in content["refusals"]] == ["sign_off"]
    assert [flag["column"] for flag in content["pii"]] == ["email"]
    assert content["alerts"][0]["facts"]["fired"] is True
    assert content["not_checked"]


def test_the_report_says_on_whose_behalf_somebody_signed_and_how_it_was_delegated(
    make_review: Any, sign: Any, lend: Any, validator: Any, make_person: Any, team: Any, make: Any, verify: Any
) -> None:
    review, stand_in = make_review(), make_person("Stan Standin", ("auditor", team))
    row = lend(validator, stand_in)
    sign(review, "validator", by=stand_in, delegation=row)
    sign(review, "compliance_officer")
    report = make(review.version)
    assert (report.state, report.error) == ("completed", "")
    code, items = verify(report)
    assert (code, set(items.values())) == (0, {"verified"})
    content = content_of(report)
    signed, other = content["sign_offs"]
    assert (signed["name"], signed["on_behalf_of_name"]) == ("Stan Standin", "Vera Validator")
    assert (signed["on_behalf_of"], signed["delegation"]) == (str(validator.pk), str(row.pk))
    assert "on_behalf_of" not in other
    told = {one["type"] for one in content["timeline"]}
    assert {"delegation.offered", "delegation.accepted"} <= told


def test_a_report_signed_with_other_keys_fails(suspended: Any, make: Any, verify: Any, blank_pages: None, data_dir: Any) -> None:
    report = make(suspended)
    from audit.trust import trust  # noqa: PLC0415 - beside the keys that it reads

    pinned = trust()
    (data_dir / "keys" / signing.FILE).unlink()
    Report.objects.update(pdf_digest="", state="errored")  # a forger's site has signed nothing before
    forged = make(suspended)
    code, items = verify(forged, pinned)
    assert (code, items["signer"], items["signature"]) == (1, "failed", "verified")
    assert verify(report, pinned)[0] == 0


def test_every_attachment_is_in_the_manifest_with_its_digest(suspended: Any, make: Any, blank_pages: None) -> None:
    report = make(suspended)
    files = files_in(blobs.read(report.pdf_digest))
    manifest = json.loads(files["manifest.json"])["files"]
    assert set(manifest) == set(files) - {"manifest.json"}
    assert set(files) >= {"report.json", "seal.txt", "log-extract.jsonl", "disclosures.json", "evaluation.json", "card.json"}
    for name, listed in manifest.items():
        assert listed == {"sha256": hashlib.sha256(files[name]).hexdigest(), "size": len(files[name])}
    assert report.files == {
        name: {"sha256": hashlib.sha256(found).hexdigest(), "size": len(found)} for name, found in files.items()
    }
    assert sha256_of(json.loads(files["card.json"])) == suspended.card.digest


def test_the_content_is_in_the_log_before_the_log_is_sealed(suspended: Any, make: Any, blank_pages: None) -> None:
    report = make(suspended)
    files = files_in(blobs.read(report.pdf_digest))
    composed = Event.objects.get(type="report.composed")
    assert composed.data["content_digest"] == report.content_digest
    assert report.content_digest == "sha256:" + hashlib.sha256(files["report.json"]).hexdigest()
    assert Leaf.objects.get(event=composed).index < report.log_size
    assert files["seal.txt"].decode().split("\n")[1] == str(report.log_size)
    issued = Event.objects.get(type="report.issued")
    assert issued.data["pdf_digest"] == report.pdf_digest == "sha256:" + hashlib.sha256(blobs.read(report.pdf_digest)).hexdigest()


def test_content_that_was_not_logged_first_is_never_given_out(
    suspended: Any, make: Any, blank_pages: None, monkeypatch: pytest.MonkeyPatch, story: Any
) -> None:
    def forgetful(*args: Any, **more: Any) -> Any:
        files = attachments(*args, **more)
        kept = [line for line in files["log-extract.jsonl"].data.splitlines() if b"report.composed" not in line]
        files["log-extract.jsonl"] = type(files["log-extract.jsonl"])(b"\n".join(kept) + b"\n", "")
        return files

    monkeypatch.setattr(jobs, "attachments", forgetful)
    report = make(suspended)
    assert (report.state, report.pdf_digest) == ("errored", "")
    assert "did not pass its verification" in report.error
    assert story()[-1] == "report.errored"
    assert Event.objects.get(type="report.errored").data["why"] == "not_verified"


def test_the_same_rows_give_the_same_content_and_the_same_pages(suspended: Any, ask: Any, frozen_clock: Any) -> None:
    report = ask(suspended)
    first, second = compose(report), compose(report)
    assert first.bytes == second.bytes
    seal = sequence_and_seal()
    composed = first.material.entries[-1].pk  # any event: no entry of its own is recorded here
    made = [rendering.render(one, attachments(one, seal=seal, composed=composed), seal=seal).pdf for one in (first, second)]
    assert made[0] == made[1]


@pytest.mark.parametrize("hold", ["composed", "before"])
def test_a_killed_worker_is_followed_by_one_that_makes_the_report_once(
    suspended: Any, ask: Any, blank_pages: None, frozen_clock: Any, monkeypatch: pytest.MonkeyPatch, verify: Any, hold: str
) -> None:
    report = ask(suspended)
    if hold == "before":
        assert claim(report) is not None
    else:
        with monkeypatch.context() as patched:
            patched.setattr(jobs, "render_pages", lambda *_a, **_b: (_ for _ in ()).throw(SystemExit))  # killed while it prints
            with pytest.raises(SystemExit):
                work(report)
    silence(report, frozen_clock)
    assert report.state == "queued"
    report = work(report)
    assert (report.state, report.attempt) == ("completed", 2)
    work(report)  # the message is delivered again
    assert Event.objects.filter(type="report.issued").count() == 1
    assert verify(report)[0] == 0


def test_a_report_that_ends_three_workers_is_given_up(suspended: Any, ask: Any, frozen_clock: Any) -> None:
    report = ask(suspended)
    for _attempt in range(3):
        assert claim(report) is not None
        silence(report, frozen_clock)
    assert report.state == "errored"
    assert "Given up after 3 attempts" in report.error


def test_an_attempt_that_lost_its_lease_records_nothing(
    suspended: Any, ask: Any, blank_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = ask(suspended)
    real = jobs.render_pages

    def overtaken(*args: Any, **more: Any) -> Any:
        Report.objects.filter(pk=report.pk).update(attempt=2)  # another worker began meanwhile
        return real(*args, **more)

    monkeypatch.setattr(jobs, "render_pages", overtaken)
    report = work(report)
    assert (report.state, report.pdf_digest) == ("running", "")
    assert not Event.objects.filter(type__in=["report.issued", "report.errored"]).exists()


def test_what_stops_a_report_is_said_on_it(suspended: Any, make: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*_args: Any, **_more: Any) -> None:
        raise NotRendered("The pages could not be made: no fonts.")

    monkeypatch.setattr(jobs, "render_pages", broken)
    report = make(suspended)
    assert (report.state, report.error) == ("errored", "The pages could not be made: no fonts.")

    def surprised(*_args: Any, **_more: Any) -> None:
        raise KeyError("secret")

    monkeypatch.setattr(jobs, "render_pages", surprised)
    report = make(suspended)
    assert report.state == "errored"
    assert "secret" not in report.error


# -- what is decided -----------------------------------------------------------------------------------------------------


def in_review(make_review: Any, **_: Any) -> Any:
    return make_review().version


def changes_requested(make_review: Any, sign: Any, **_: Any) -> Any:
    review = make_review()
    sign(review, "validator", "request_changes", comment="Say more about rotation.")
    return review.version


def rejected_by_its_bytes(make_draft: Any, inspect: Any, scientist: Any, **_: Any) -> Any:
    version = make_draft()
    governance.submit(version, by=scientist)
    return inspect(version, REFUSED)


def withdrawn(make_review: Any, scientist: Any, **_: Any) -> Any:
    version = make_review().version
    governance.withdraw(version, by=scientist)
    return version


def approved_and_fine(make_approved: Any, **_: Any) -> Any:
    return make_approved()


def stale(make_approved: Any, dpo: Any, **_: Any) -> Any:
    version = make_approved()
    dataset_version = version.data.first().dataset_version
    data.record_finding(dataset_version, by=dpo, column="", category="contact", present="yes")
    return version


def submitted(make_draft: Any, scientist: Any, **_: Any) -> Any:
    version = make_draft()
    governance.submit(version, by=scientist)
    return version


def reopened(make_approved: Any, scientist: Any, **_: Any) -> Any:
    version = make_approved()
    governance.revise_card(version, CARD | {"contact": "Mailbox"}, by=scientist)
    return version


def failed(make_review: Any, **_: Any) -> Any:
    return make_review(result=measured(accuracy=(0.90, 0.88, 0.92))).version


@pytest.mark.parametrize(
    ("past", "outcome"),
    [
        (in_review, "in_review"),
        (changes_requested, "changes_requested"),
        (rejected_by_its_bytes, "rejected"),
        (withdrawn, "withdrawn"),
        (approved_and_fine, "approved"),
        (stale, "stale"),
        (submitted, "submitted"),
        (reopened, "in_review"),
        (failed, "in_review"),
    ],
)
def test_every_state_can_be_reported_and_verified(
    past: Any, outcome: str, request: pytest.FixtureRequest, make: Any, verify: Any, blank_pages: None
) -> None:
    names = ("make_review", "make_draft", "make_approved", "inspect", "sign", "scientist", "dpo")
    version = past(**{name: request.getfixturevalue(name) for name in names})
    report = make(Version.objects.with_parts().get(pk=version.pk))
    assert (report.state, report.error) == ("completed", "")
    assert report.outcome == outcome
    assert verify(report)[0] == 0
    assert content_of(report)["decision"]["reasons"]


def test_a_version_that_was_approved_for_another_environment_is_blocked(make_approved: Any, make: Any, blank_pages: None) -> None:
    report = make(make_approved(), environment="staging")
    assert report.outcome == "blocked"
    assert content_of(report)["decision"]["reasons"] == ["It has not been submitted for staging."]


def test_failed_thresholds_stand_first(make_review: Any, ask: Any) -> None:
    composed = compose(ask(make_review(result=measured(accuracy=(0.90, 0.88, 0.92))).version))
    (run,) = composed.content["evaluation"]["runs"]
    assert [check["outcome"] for check in run["checks"]] == ["failed", "passed", "passed"]
    assert run["criteria"]["fixed_event"] < run["result_event"]
    assert all(metric["n"] and metric["words"]["interval"] for metric in run["metrics"])


# -- erasure, tampering, races -------------------------------------------------------------------------------------------


def test_after_an_erasure_names_are_withheld_and_every_report_still_verifies(
    suspended: Any, make: Any, verify: Any, blank_pages: None, validator: Any, admin: Any
) -> None:
    earlier = make(suspended)
    erase_person(str(validator.pk), admin)
    validator.name = ""
    validator.save()
    report = make(suspended)
    signed = content_of(report)["sign_offs"]
    assert [one["name"] for one in signed] == ["[withheld or erased]", "Dana Protection", "Carla Officer"]
    assert signed[0]["comment"] == "[withheld or erased]"
    assert validator.actor_id == signed[0]["person"]
    for one in (earlier, report):
        assert verify(one)[0] == 0
    assert b"Vera Validator" not in b"".join(files_in(blobs.read(report.pdf_digest)).values())


def test_only_what_the_report_shows_is_disclosed(suspended: Any, ask: Any) -> None:
    composed = compose(ask(suspended))
    shown = {(entry.leaf.index, entry.type) for entry in composed.material.entries}
    kinds = {next(kind for index, kind in shown if index == one["index"]) for one in composed.disclosures}
    assert kinds == {"sign_off.given", "release.made"}
    findings = Event.objects.filter(type="pii_finding.recorded")
    assert PrivateValue.objects.filter(event__in=findings).exists()  # their notes stay withheld


def test_figures_of_an_alert_that_were_changed_are_left_out_and_said(
    suspended: Any, make: Any, verify: Any, blank_pages: None
) -> None:
    alert = Alert.objects.get()
    alert.facts["n"] += 1
    alert.save()
    report = make(suspended)
    content = content_of(report)
    assert "facts" not in content["alerts"][0]
    assert any("are not those that the log recorded" in gap for gap in content["not_checked"])
    assert verify(report)[0] == 0


def test_what_happens_while_a_report_is_printed_is_not_in_it(
    approved: Any, ask: Any, blank_pages: None, monkeypatch: pytest.MonkeyPatch, risk_manager: Any, verify: Any
) -> None:
    real = jobs.render_pages

    def meanwhile(*args: Any, **more: Any) -> Any:
        governance.suspend(Version.objects.get(pk=approved.pk), reason="incident", by=risk_manager)
        return real(*args, **more)

    monkeypatch.setattr(jobs, "render_pages", meanwhile)
    report = work(ask(approved))
    assert (report.outcome, content_of(report)["suspension"]) == ("approved", None)
    assert verify(report)[0] == 0


def test_reports_are_made_over_real_commits(
    transactional_db: None, suspended: Any, make: Any, verify: Any, blank_pages: None
) -> None:
    """One moment of the database, and acts that are committed one after the other."""
    report = make(suspended)
    assert (report.state, report.error) == ("completed", "")
    assert verify(report)[0] == 0
    assert latest_seal() is not None


# -- who may -------------------------------------------------------------------------------------------------------------


def test_those_who_answer_for_a_version_have_reports_made(
    approved: Any, ask: Any, validator: Any, officer: Any, dpo: Any, risk_manager: Any, auditor: Any
) -> None:
    for person in (validator, officer, dpo, risk_manager, auditor):
        assert ask(approved, by=person).state == "queued"


def test_a_data_scientist_has_no_report_made_and_the_attempt_is_recorded(approved: Any, ask: Any, scientist: Any) -> None:
    with pytest.raises(NotAllowed, match="Reports are made for"):
        ask(approved, by=scientist)
    refused = Event.objects.filter(type="attempt.refused", subject_type="version").get()
    assert refused.data["attempt"] == "request_report"
    assert not Report.objects.exists()


def test_a_draft_has_no_report(make_draft: Any, ask: Any) -> None:
    with pytest.raises(WrongState, match="never submitted"):
        ask(make_draft())


def test_the_list_of_versions_agrees_with_the_permission(
    approved: Any, make_draft: Any, make_person: Any, make_team: Any, team: Any
) -> None:
    from audit.permissions import can_request  # noqa: PLC0415 - beside what it is compared with
    from audit.visibility import versions_reportable_by  # noqa: PLC0415 - as above

    elsewhere = make_team("elsewhere")
    draft = make_draft(model=approved.model)
    for role in ("data_scientist", "validator", "auditor", "compliance_officer", "risk_manager", "administrator"):
        for where in (team, elsewhere, None):
            person = make_person(
                f"{role} of {where and where.slug}", (role, where), email=f"{role}.{where and where.slug}@x.example"
            )
            listed = set(versions_reportable_by(person))
            may = {one for one in Version.objects.visible_to(person) if can_request(person, one) and one.state != "draft"}
            assert listed == may
            assert draft not in listed
