"""The command: words for people, JSON for programs, exit codes for both; and nothing of the server behind it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from countersign.verify import Item, Verification
from countersign.verify.cli import add_arguments, in_words, main, run
from tests.countersign.verify.maker import make_keys

SERVER = {"config", "audit", "monitoring", "governance", "evaluations", "models_registry", "tracking", "data_registry"}
SERVER |= {"accounts", "ledger", "measures", "sandbox", "core", "django", "torch", "numpy", "pyhanko", "weasyprint", "rfc8785"}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def files(tmp_path: Path, report: bytes) -> Path:
    (tmp_path / "report.pdf").write_bytes(report)
    (tmp_path / "changed.pdf").write_bytes(report.replace(b"/Lang (en)", b"/Lang (fr)"))
    (tmp_path / "trust.json").write_bytes(make_keys().trust())
    (tmp_path / "other.json").write_bytes(make_keys(1).trust())
    return tmp_path


@pytest.mark.parametrize(
    ("file", "trust", "code", "said"),
    [
        ("report.pdf", "trust.json", 0, "VERIFIED: every item holds."),
        ("report.pdf", None, 2, "NOT FULLY CHECKED"),
        ("report.pdf", "other.json", 1, "FAILED       signer"),
        ("changed.pdf", "trust.json", 1, "FAILED       signature"),
        ("changed.pdf", None, 1, "FAILED       signature"),
        ("report.pdf", "report.pdf", 1, "trust file"),
    ],
)
def test_the_exit_code_and_the_words_agree(
    file: str, trust: str | None, code: int, said: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(files / file), *(["--trust", str(files / trust)] if trust else [])]
    assert main(arguments) == code
    assert said in capsys.readouterr().out
    assert main([*arguments, "--json"]) == code
    printed = json.loads(capsys.readouterr().out)
    assert printed["exit_code"] == code
    assert printed["format"] == "countersign-verification/1"
    assert {item["status"] for item in printed["items"]} <= {"verified", "failed", "not checked"}


def test_run_takes_the_arguments_that_it_declares(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args([str(files / "report.pdf"), "--trust", str(files / "trust.json")])) == 0
    assert capsys.readouterr().out.count("  verified     ") == 10


def test_wrong_use_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 64
    assert "FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "trust", "said"),
    [
        ("missing.pdf", None, "The report cannot be opened: No such file or directory."),
        ("report.pdf", "missing.json", "The trust file cannot be opened: No such file or directory."),
        ("changed.pdf", "missing.json", "The trust file cannot be opened: No such file or directory."),
        (".", None, "The report cannot be opened: Is a directory."),
        ("a\0b.pdf", None, "The report cannot be opened: embedded null byte."),
        ("report.pdf", "a\0b.json", "The trust file cannot be opened: embedded null byte."),
    ],
)
def test_a_file_that_cannot_be_opened_is_wrong_use_and_no_verdict(
    file: str, trust: str | None, said: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(files / file), *(["--trust", str(files / trust)] if trust else [])]
    assert main(arguments) == 64
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"countersign: {said}\n")
    assert main([*arguments, "--json"]) == 64
    assert json.loads(capsys.readouterr().out) == {"error": said}


def test_a_verification_without_items_is_no_success() -> None:
    assert Verification([]).exit_code == 1


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    printed = in_words(Verification([Item("file structure", "failed", "No.")]), name="a\x1b[31m.pdf")
    assert "\x1b" not in printed


def test_it_runs_by_itself_and_loads_nothing_of_the_server(files: Path) -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise AssertionError('the verifier opened a socket')\n"
        "socket.socket.__init__ = socket.getaddrinfo = refuse\n"
        "import countersign.verify, countersign.verify.cli\n"
        "code = countersign.verify.cli.main(sys.argv[1:])\n"
        f"server = {SERVER}\n"
        "assert not server & {name.partition('.')[0] for name in sys.modules}, sorted(server & set(sys.modules))\n"
        "raise SystemExit(code)\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(files / "report.pdf"), "--trust", str(files / "trust.json")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_module_is_a_program(files: Path) -> None:
    command = [sys.executable, "-m", "countersign.verify", str(files / "report.pdf"), "--json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "ascii"})
    assert ended.returncode == 2
    assert json.loads(ended.stdout)["exit_code"] == 2
