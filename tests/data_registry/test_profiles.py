"""Profiles: a worker reads a registered version in the jail, once, and what it found stands beside what was declared."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.storage import storages

from core.canonical import sha256_of
from data_registry import coverage, lineage, scanning, services, tasks
from data_registry.models import PiiFinding, Profile
from data_registry.scan_results import Garbled, read_result
from ledger import leases
from ledger.models import Event

GOOD = {
    "tool": "countersign patterns 1",
    "table": {
        "format": "csv",
        "rows": 2,
        "columns": [{"name": "email", "dtype": "string", "nulls": 0, "scanned": 2}],
        "patterns": ["email"],
        "findings": [{"column": "email", "kind": "email", "category": "contact", "present": "yes", "matched": 2, "scanned": 2}],
        "not_checked": [{"code": "no_header"}],
    },
}


def run(version) -> Profile:
    tasks.profile(str(version.profile.pk))
    return Profile.objects.get(dataset_version=version)


def test_a_registered_table_is_read_in_the_jail_and_its_flags_are_found(make_registered, story):
    version = make_registered()
    before = len(story())
    profile = run(version)
    assert (profile.state, profile.error) == ("completed", "")
    assert profile.facts["rows"] == 2
    assert profile.sandbox["level"] in ("L2", "L3")
    assert profile.sandbox["probes"]["secrets"] == profile.sandbox["probes"]["network"] == "blocked"
    finding = version.pii_findings.get()
    assert (finding.column, finding.kind, finding.basis, finding.matched, finding.scanned) == ("email", "email", "scanned", 2, 2)
    assert finding.evaluated_by == "countersign patterns 1"
    assert story()[before:] == ["profile.started", "pii_finding.recorded", "profile.completed"]
    assert [flag.path for flag in lineage.pii_of([version])] == ["annotators v1 (email)"]
    assert lineage.assess([version]).not_assessed == []


def test_the_event_names_the_facts_by_digest_and_the_level(make_registered):
    profile = run(make_registered())
    told = Event.objects.about(profile).get(type="profile.completed").data
    assert told["facts_digest"] == sha256_of(profile.facts)
    assert told["sandbox_level"] == profile.sandbox["level"]
    assert told["not_checked"] == len(profile.not_checked)


def test_what_patterns_cannot_see_is_always_said(make_registered):
    profile = run(make_registered())
    assert any(coverage.sentence(entry).startswith("Names, addresses, health") for entry in profile.not_checked)


def test_a_scan_confirms_what_was_declared(make_registered):
    version = make_registered(columns=[{"name": "email", "category": "contact"}])
    run(version)
    (flag,) = lineage.pii_of([version])
    assert (flag.bases, flag.kinds, flag.matched) == (("declared", "scanned"), ("email",), 2)


def test_a_scan_that_finds_nothing_takes_no_declaration_back(make_registered):
    version = make_registered(content=b"email\nx\n", columns=[{"name": "email", "category": "contact"}])
    run(version)
    assert [flag.bases for flag in lineage.pii_of([version])] == [("declared",)]


def test_content_that_is_not_what_it_says_is_errored_in_a_sentence(make_registered, story):
    version = make_registered(content=b"no parquet", format="parquet")
    before = len(story())
    profile = run(version)
    assert profile.state == "errored"
    assert profile.error.startswith("The file cannot be read as Parquet")
    assert story()[before:] == ["profile.started", "profile.failed"]
    assert [str(name) for name in lineage.assess([version]).not_assessed] == ["annotators v1"]


def test_a_parquet_bomb_meets_the_memory_limit_and_the_limit_is_named(make_registered, settings):
    settings.SANDBOX_MEMORY = 256 << 20
    file, large = io.BytesIO(), pa.array(["z" * (1 << 20)])
    bomb = pa.DictionaryArray.from_arrays(pa.array([0] * 4_096, pa.int32()), large)
    pq.write_table(pa.table({"x": bomb}), file, compression="zstd")
    assert len(file.getvalue()) < 1 << 16  # 4 GiB of text in some kilobytes
    profile = run(make_registered(content=file.getvalue(), format="parquet"))
    assert profile.state == "errored"
    assert "memory limit of 256 MiB" in profile.error


def test_an_endless_reading_meets_the_time_limit_and_the_limit_is_named(make_registered, settings, monkeypatch):
    settings.SANDBOX_WALL_SECONDS = 2
    monkeypatch.setattr(scanning, "READING_SHARE", 100)  # the child believes that it has all the time in the world
    profile = run(make_registered(content=b"a,b,c,d,e,f\n" + b"12 ab,34 cd,56 ef,78 gh,90 ij,12 kl\n" * 1_000_000))
    assert profile.state == "errored"
    assert "time limit of 2 seconds" in profile.error or "2 seconds of processor time" in profile.error


def test_without_the_required_level_nothing_is_read(make_registered, monkeypatch):
    jailed = scanning.sandbox.run
    open_jail = {"bwrap": None, "leave_out": ["landlock"]}
    monkeypatch.setattr(scanning.sandbox, "run", lambda *args, **more: jailed(*args, **more, **open_jail))
    version = make_registered()
    profile = run(version)
    assert profile.state == "errored"
    assert "where L2 is required, so the file was not opened" in profile.error
    assert profile.sandbox["level"] in ("L0", "L1")
    assert not version.pii_findings.exists()


def test_damaged_bytes_are_not_read(make_registered):
    version = make_registered()
    blob = Path(storages["blobs"].path(f"sha256/{version.digest[7:9]}/{version.digest[7:]}"))
    blob.chmod(0o600)
    blob.write_bytes(b"X" + blob.read_bytes()[1:])
    assert "no longer have the digest" in run(version).error


def test_a_task_delivered_twice_is_recorded_once(make_registered, story):
    version = make_registered()
    first, told = run(version), story()
    again = run(version)
    assert (again.finished_at, again.attempt, story()) == (first.finished_at, 1, told)


def test_a_message_about_nothing_is_ignored(db, story):
    tasks.profile("01997f6e-9d5a-7c3b-8f00-123456789012")
    assert story() == []


def test_only_the_current_attempt_may_record(make_registered, frozen_clock, settings, monkeypatch, story):
    """The worker falls silent while it reads; another one takes over and finishes; what the first one read is dropped."""
    version = make_registered()
    slow, overtaken = scanning.read_content, []

    def read(of):
        reading = slow(of)
        if not overtaken:
            overtaken.append(True)
            frozen_clock.advance(seconds=settings.LEASE_SECONDS + 1)
            assert leases.sweep(Profile) == 1
            tasks.profile(str(of.profile.pk))
        return reading

    monkeypatch.setattr(tasks, "read_content", read)
    profile = run(version)
    assert (profile.state, profile.attempt) == ("completed", 2)
    assert story().count("profile.completed") == story().count("pii_finding.recorded") == 1


def test_an_attempt_that_was_overtaken_records_nothing_while_the_next_one_still_reads(
    make_registered, frozen_clock, settings, monkeypatch
):
    version, slow = make_registered(), scanning.read_content

    def read(of):
        reading = slow(of)
        frozen_clock.advance(seconds=settings.LEASE_SECONDS + 1)
        assert leases.sweep(Profile) == 1
        assert leases.claim(Profile.objects.get(), seconds=60).attempt == 2
        return reading

    monkeypatch.setattr(tasks, "read_content", read)
    profile = run(version)
    assert (profile.state, profile.attempt, profile.facts) == ("running", 2, {})
    assert not PiiFinding.objects.exists()


def test_a_silent_worker_loses_the_profile_and_waiting_ones_are_rung_again(make_registered, frozen_clock, monkeypatch, story):
    rung = []
    monkeypatch.setattr("data_registry.jobs.current_app.send_task", lambda name, args: rung.append((name, *args)))
    monkeypatch.setattr("data_registry.jobs.transaction.on_commit", lambda send, **_: send())
    version = make_registered()
    assert rung == [("data_registry.profile", str(version.profile.pk))]
    leases.claim(version.profile, seconds=10)
    tasks.sweep()
    assert len(rung) == 1
    frozen_clock.advance(seconds=60)
    tasks.sweep()
    assert Profile.objects.get().state == "queued"
    assert story()[-1] == "profile.lease_expired"
    assert rung[1:] == [("data_registry.profile", str(version.profile.pk))]


def test_a_message_is_sent_only_after_commit(make_draft, scientist, django_capture_on_commit_callbacks, monkeypatch):
    rung = []
    monkeypatch.setattr("data_registry.jobs.current_app.send_task", lambda name, args: rung.append(name))
    with django_capture_on_commit_callbacks(execute=True):
        services.register_version(make_draft(), by=scientist)
        assert rung == []
    assert rung == ["data_registry.profile"]


def test_a_broker_that_does_not_answer_takes_nothing_back(make_draft, scientist, django_capture_on_commit_callbacks, monkeypatch):
    def send(name, args):
        raise ConnectionError

    monkeypatch.setattr("data_registry.jobs.current_app.send_task", send)
    with django_capture_on_commit_callbacks(execute=True):
        version = services.register_version(make_draft(), by=scientist)
    assert version.profile.state == "queued"


# -- what comes back from the jail is checked ----------------------------------------------------------------------------


def test_an_answer_in_its_form_is_read():
    result = read_result(copy.deepcopy(GOOD))
    assert (result.tool, result.facts["rows"], result.findings[0].matched) == ("countersign patterns 1", 2, 2)
    assert read_result({"tool": "x", "unreadable": "No."}).unreadable == "No."


def _spoilt(path: list, value: object) -> dict:
    answer = copy.deepcopy(GOOD)
    place = answer
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        None, [], "x", {}, {"tool": 3}, {"tool": "x", "unreadable": 3}, {"tool": "x", "table": None},
        _spoilt(["tool"], "x" * 121),
        _spoilt(["table", "rows"], -1),
        _spoilt(["table", "rows"], True),
        _spoilt(["table", "rows"], 2.0),
        _spoilt(["table", "rows"], 2**60),
        _spoilt(["table", "columns"], {}),
        _spoilt(["table", "columns", 0], []),
        _spoilt(["table", "columns", 0, "name"], "x" * 201),
        _spoilt(["table", "columns", 0, "name"], "nul\x00"),
        _spoilt(["table", "findings"], [GOOD["table"]["findings"][0]] * 10_001),
        _spoilt(["table", "findings", 0, "category"], "gossip"),
        _spoilt(["table", "findings", 0, "category"], ["contact"]),
        _spoilt(["table", "findings", 0, "present"], "no"),
        _spoilt(["table", "findings", 0, "matched"], "2"),
        _spoilt(["table", "not_checked", 0, "code"], None),
        _spoilt(["table", "not_checked"], [{"code": "types", "columns": "x"}]),
        _spoilt(["table", "format"], "x" * (3 << 20)),
    ],
)  # fmt: skip
def test_an_answer_in_another_form_is_refused(answer):
    with pytest.raises(Garbled):
        read_result(answer)


def test_what_was_not_asked_for_is_dropped():
    answer = _spoilt(["table", "columns", 0, "sample"], "ada@example.org")
    answer["table"]["not_checked"][0]["sentence"] = "All is well."
    result = read_result(answer)
    assert "sample" not in result.facts["columns"][0]
    assert result.not_checked == ({"code": "no_header"},)


@pytest.mark.parametrize("code", sorted(coverage.SENTENCES))
def test_everything_that_can_be_left_out_has_a_sentence(code):
    sentence = coverage.sentence({"code": code, "columns": ["a"], "count": 3, "rows": 9, "looked_at": 4, "limit": 5, "cells": 6})
    assert sentence.endswith(".")
    assert "%(" not in sentence


def test_an_unknown_gap_is_still_told():
    assert "no words for (new)" in coverage.sentence({"code": "new"})


def test_nothing_found_leaves_no_finding(make_registered):
    run(make_registered(content=b"n,m\n1,2\n"))
    assert not PiiFinding.objects.exists()
