"""The command line against a running site, over real HTTP: what it does, what it prints, how it ends."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from countersign.settings import folder, trust_file_of
from governance import services as governance
from models_registry.models import Version
from tests.countersign.conftest import Said
from tests.plugins_versions import CARD, REFUSED

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
Command = Callable[..., Said]


@pytest.fixture
def files(machine: Path) -> dict[str, str]:
    """A card, a checkpoint, an architecture and curves, as files of the person's own."""
    (machine / "card.json").write_text(json.dumps(CARD))
    (machine / "model.safetensors").write_bytes(b"weights of mine")
    (machine / "arch.json").write_text('{"name": "small-cnn", "config": {"input": [1, 8, 8], "channels": [16], "classes": 3}}')
    (machine / "curves.json").write_text(json.dumps({"loss": [1, 0.5]}))
    return {name: str(machine / name) for name in ("card.json", "model.safetensors", "arch.json", "curves.json")}


# -- login ---------------------------------------------------------------------------------------------------------------


def test_login_saves_the_key_for_its_owner_and_what_to_trust(site: str, scientist: Any, signed_in: Any, command: Command) -> None:
    signed_in(scientist)
    assert stat.S_IMODE((folder() / "login.json").stat().st_mode) == 0o600
    trust = json.loads(trust_file_of(site).read_text())
    assert trust["format"] == "countersign-trust/1"
    said = command("login", site, "--key-file", str(folder().parents[1] / "key"), "--json")
    assert said.json["trust"] == trust
    assert said.json["me"]["email"] == scientist.email


def test_login_reads_the_key_of_the_environment(
    site: str, scientist: Any, key_of: Any, command: Command, monkeypatch: Any
) -> None:
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))
    said = command("login", site)
    assert said.code == 0
    assert scientist.name in said.out
    assert "report certificate" in said.out


def test_a_wrong_key_is_not_saved(site: str, command: Command, machine: Path) -> None:
    (machine / "key").write_text("nonsense")
    said = command("login", site, "--key-file", "key", "--json")
    assert said.code == 1
    assert said.json["problem"]["status"] == 401
    assert not folder().exists()


def test_nobody_to_ask_for_the_key_is_a_sentence(site: str, command: Command) -> None:
    said = command("login", site)
    assert (said.code, said.err.startswith("countersign: There is nobody to ask")) == (64, True)


# -- submit, status ------------------------------------------------------------------------------------------------------


def submit_words(files: dict[str, str], make_data: Any) -> list[str]:
    words = ["submit", "digit-reader", files["model.safetensors"], "--card", files["card.json"]]
    words += ["--architecture", files["arch.json"], "--curves", files["curves.json"], "--note", "The first"]
    return [*words, "--training", str(make_data("train").pk), "--testing", str(make_data("hold-out", content=b"held out").pk)]


def test_submit_hands_in_a_file_with_all_that_is_known(
    scientist: Any, signed_in: Any, command: Command, files: dict[str, str], make_model: Any, make_data: Any
) -> None:
    make_model()
    signed_in(scientist)
    said = command(*submit_words(files, make_data), "--json")
    assert said.code == 0
    version = Version.objects.with_parts().get(pk=said.json["version"]["id"])
    assert version.state == "submitted"
    assert version.checkpoint_digest == "sha256:" + hashlib.sha256(b"weights of mine").hexdigest()
    assert version.architecture["name"] == "small-cnn"
    assert version.training_run.series.get().points().values.tolist() == [1.0, 0.5]
    assert version.training_run.environment["packages"]
    assert said.json["review"]["id"]


def test_submit_waits_for_the_workers_and_says_what_they_found(
    site: str, scientist: Any, key_of: Any, files: dict[str, str], make_model: Any, make_data: Any, inspect: Any, machine: Path
) -> None:
    """Refused bytes end with 3 and every reason; the command runs as a process of its own, as in CI."""
    make_model()
    environment = os.environ | {"COUNTERSIGN_URL": site, "COUNTERSIGN_KEY": key_of(scientist), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "countersign", *submit_words(files, make_data), "--wait"]
    with subprocess.Popen(
        words, env=environment, cwd=machine, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not (version := Version.objects.filter(state="submitted").first()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert version is not None, process.communicate(timeout=30)
        inspect(version, REFUSED)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (3, "")
    assert "digit-reader v1: rejected" in out
    assert "The pickle names posix.system." in out


def test_status_ends_with_0_only_where_the_approval_holds(
    scientist: Any, signed_in: Any, command: Command, make_approved: Any, make_review: Any
) -> None:
    approved = make_approved()
    waiting = make_review().version
    signed_in(scientist)
    said = command("status", f"digit-reader:{approved.number}", "--wait")
    assert (said.code, "The approval holds." in said.out) == (0, True)
    said = command("status", str(waiting.pk), "--json")
    assert (said.code, said.json["approval"]["holds"]) == (3, False)
    assert said.json["approval"]["reasons"]
    said = command("status", f"digit-reader:{waiting.number}")
    assert (said.code, "The approval does not hold:\n  - " in said.out) == (3, True)


# -- pull, gate ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def live(make_approved: Any, risk_manager: Any) -> Any:
    version = make_approved(content=b"weights of the live one")
    governance.release(version, environment="production", by=risk_manager)
    return version


def test_pull_fetches_what_is_live_and_replaces_nothing(
    live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path
) -> None:
    signed_in(scientist)
    said = command("pull", "digit-reader@production", "--json")
    assert (said.code, said.json["digest"]) == (0, live.checkpoint_digest)
    assert (machine / "model.safetensors").read_bytes() == b"weights of the live one"
    said = command("pull", "digit-reader:1")
    assert (said.code, "exists already" in said.err) == (64, True)
    assert command("pull", "digit-reader:1", "-o", "copy.bin").code == 0
    assert sorted(file.name for file in machine.iterdir()) == ["copy.bin", "model.safetensors"]


def test_pull_keeps_nothing_whose_digest_differs(
    live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path, monkeypatch: Any
) -> None:
    """Somebody changed the file in the store: the client notices, whatever the server thinks."""
    signed_in(scientist)
    monkeypatch.setattr("core.blobs.stream", lambda digest: iter([b"weights of somebody else"[: live.checkpoint_size]]))
    said = command("pull", "digit-reader@production", "--json")
    assert said.code == 69
    assert list(machine.iterdir()) == []


def test_pull_says_where_nothing_is_live(live: Any, scientist: Any, signed_in: Any, command: Command) -> None:
    signed_in(scientist)
    said = command("pull", "digit-reader@staging", "--json")
    assert (said.code, said.json["problem"]["code"]) == (1, "not_live")
    assert command("pull", "digit-reader:99").code == 1
    assert command("pull", "nothing@production").code == 1


def test_the_gate_ends_with_0_1_or_2(live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path) -> None:
    signed_in(scientist)
    said = command("gate", live.checkpoint_digest, "--json")
    assert (said.code, said.json["allowed"]) == (0, True)
    (machine / "file").write_bytes(b"weights of the live one")
    said = command("gate", "file", "--environment", "production")
    assert (said.code, said.out.startswith("Allowed: digit-reader v1 may run in production")) == (0, True)
    (machine / "file").write_bytes(b"others")
    said = command("gate", "file")
    assert (said.code, said.out.startswith("Not allowed:\n  - ")) == (1, True)
    assert command("gate", live.checkpoint_digest, "--environment", "staging", "--json").code == 1
    said = command("gate", live.checkpoint_digest, "--environment", "moon", "--json")
    assert (said.code, said.json["problem"]["code"]) == (2, "environment")
    assert command("gate", "sha256:123").code == 64


# -- report, verify ------------------------------------------------------------------------------------------------------


def test_a_report_that_fails_is_told_and_leaves_no_file(
    live: Any, auditor: Any, signed_in: Any, command: Command, machine: Path, monkeypatch: Any
) -> None:
    from audit.models import Report  # noqa: PLC0415 - only this test

    failed = {"state": "errored", "error": "No room."}
    monkeypatch.setattr("audit.jobs.send", lambda report: Report.objects.filter(pk=report.pk).update(**failed))
    signed_in(auditor)
    said = command("report", "digit-reader:1", "--json")
    assert (said.code, said.json["error"]) == (1, "No room.")
    assert list(machine.iterdir()) == []


def test_a_report_is_saved_when_it_is_made(
    live: Any, auditor: Any, signed_in: Any, command: Command, machine: Path, monkeypatch: Any
) -> None:
    from audit.models import Report  # noqa: PLC0415 - only this test
    from core import blobs  # noqa: PLC0415 - as above

    made = blobs.keep(b"%PDF- a report")
    done = {"state": "completed", "pdf_digest": made.digest, "pdf_size": made.size}
    monkeypatch.setattr("audit.jobs.send", lambda report: Report.objects.filter(pk=report.pk).update(**done))
    signed_in(auditor)
    said = command("report", "digit-reader:1", "-o", "out.pdf")
    assert said.code == 0
    assert (machine / "out.pdf").read_bytes() == b"%PDF- a report"
    assert said.out.rstrip().endswith("countersign verify out.pdf")  # login saved what to trust


def test_verify_trusts_what_login_saved(
    site: str, auditor: Any, signed_in: Any, command: Command, machine: Path, monkeypatch: Any
) -> None:
    given: list[str | None] = []
    monkeypatch.setattr("countersign.verify.cli.run", lambda args: given.append(args.trust) or 0)
    (machine / "report.pdf").write_bytes(b"%PDF-")
    command("verify", "report.pdf")
    signed_in(auditor)
    command("verify", "report.pdf")
    command("verify", "report.pdf", "--trust", "other.json")
    assert given == [None, str(trust_file_of(site)), "other.json"]


def test_verify_names_what_it_cannot_read(command: Command, machine: Path) -> None:
    (machine / "report.pdf").write_bytes(b"no report")
    said = command("verify", "report.pdf", "--json")
    assert said.code == 1
    assert said.json["items"][0]["status"] == "failed"


# -- whatever goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["gate", "sha256:" + "0" * 64],
        ["status", "digit-reader:1"],
        ["pull", "digit-reader@production"],
        ["report", "digit-reader:1"],
        ["submit", "m", "absent.bin", "--card", "absent.json"],
        ["login", "http://127.0.0.1:1", "--key-file", "absent"],
        ["verify", "absent.pdf"],
        ["unknown"],
        ["gate"],
        [],
        ["gate", "x", "--wrong"],
    ],
)
def test_every_refusal_is_one_json_object_on_request(command: Command, words: list[str]) -> None:
    said = command(*words, "--json")
    assert said.code != 0
    assert isinstance(said.json, dict)
    if words[:1] != ["verify"]:
        assert list(said.json) == ["error"]
        said = command(*words)
        assert (said.out, said.err.count("\n"), said.err.startswith("countersign: ")) == ("", 0, True)


def test_wrong_use_ends_with_64_and_an_unreachable_site_with_69(command: Command, monkeypatch: Any) -> None:
    assert command("unknown").code == 64
    assert command("gate").code == 64
    assert command("status", "m:1").code == 64  # nobody signed in
    assert command("gate", "sha256:" + "0" * 64).code == 2  # of a pipeline that asks, this is no answer
    monkeypatch.setenv("COUNTERSIGN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("COUNTERSIGN_KEY", "key")
    assert command("status", "m:1").code == 69
    assert command("gate", "sha256:" + "0" * 64).code == 2


def test_text_from_elsewhere_steers_no_terminal(scientist: Any, signed_in: Any, command: Command, monkeypatch: Any) -> None:
    signed_in(scientist)
    answer = {"allowed": False, "reasons": ["\x1b[2Jgone", "rtl \u202e"], "name": "", "environment": "", "policy": ""}
    monkeypatch.setattr("countersign.client.Client.gate", lambda *_, **__: answer)
    said = command("gate", "sha256:" + "0" * 64)
    assert (said.code, said.out) == (1, "Not allowed:\n  - ?[2Jgone\n  - rtl ?\n")


@pytest.mark.parametrize("answer", [{}, {"allowed": True}, []])
def test_an_answer_in_another_form_is_a_sentence(
    scientist: Any, signed_in: Any, command: Command, monkeypatch: Any, answer: Any
) -> None:
    signed_in(scientist)
    monkeypatch.setattr("countersign.client.Client.gate", lambda *_, **__: answer)
    said = command("gate", "sha256:" + "0" * 64)
    assert (said.code, "another form" in said.err) == (2, True)


def test_a_folder_that_cannot_be_written_is_a_sentence(
    live: Any, scientist: Any, signed_in: Any, command: Command, machine: Path
) -> None:
    signed_in(scientist)
    said = command("pull", "digit-reader:1", "-o", "absent/folder/file")
    assert (said.code, "No such file or directory" in said.err) == (74, True)
