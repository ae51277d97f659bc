"""`countersign reproduce` from end to end: a training recorded on the site is trained again from its commit, and compared."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.capturing.conftest import Repository
from tests.countersign.conftest import Said
from tests.countersign.reproducing.conftest import TRAIN

pytestmark = pytest.mark.django_db(transaction=True)
Command = Callable[..., Said]


@pytest.fixture
def reproduce(command: Command, signed_in: str, monkeypatch: pytest.MonkeyPatch, machine: Path) -> Command:
    """With the environment at hand, without a question."""

    def run(run: Any, *words: str) -> Said:
        return command("reproduce", str(run.pk), "--environment", "current", "--yes", *words)

    return run


def test_the_same_commit_gives_the_same_numbers(record: Any, reproduce: Command, repository: Repository, machine: Path) -> None:
    run = record("--lr", "0.5", "--epochs", "4")
    repository.write("train.py", "raise SystemExit('the working copy is not what is run')\n")
    said = reproduce(run, "--json")
    assert said.code == 0, said.err
    answer = said.json
    assert answer["within_tolerance"] and answer["params"] == []
    assert [(one["name"], one["recorded"], one["verdict"]) for one in answer["metrics"]] == [
        ("loss", 0.4, "within"),
        ("score", 1.5, "within"),
    ]
    folder = Path(answer["folder"])
    assert folder == machine / f"reproduced-{run.pk}"
    assert (folder / "code" / "train.py").read_text() == TRAIN
    assert json.loads((folder / "comparison.json").read_text()) == answer
    assert "This runs the code of commit " + run.code["commit"][:12] in said.err
    assert repository.git("diff", "--name-only") == "train.py"  # the person's own checkout is as it was
    assert repository.git("rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_nothing_is_sent_to_the_site_meanwhile(record: Any, reproduce: Command) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    run = record()
    assert reproduce(run).code == 0
    assert TrainingRun.objects.count() == 1


def test_the_key_does_not_reach_the_code(record: Any, reproduce: Command, repository: Repository, machine: Path) -> None:
    repository.write("train.py", TRAIN + "\nimport os, sys\nprint([n for n in os.environ if 'KEY' in n or 'URL' in n])\n")
    repository.commit("Nosy")
    repository.git("push", "-q", "origin", "main")
    run = record()
    assert reproduce(run).code == 0
    assert "COUNTERSIGN" not in (machine / f"reproduced-{run.pk}" / "training.log").read_text()


def test_other_numbers_are_shown_and_end_with_3(record: Any, reproduce: Command, repository: Repository) -> None:
    run = record("--lr", "0.5")
    said = reproduce(run, "--arguments", "--lr {lr} --epochs 2")
    assert said.code == 3
    assert "loss" in said.out and "outside" in said.out and "NOT within the tolerance." in said.out
    assert "epochs: 3 recorded, 2 now" in said.out
    said = reproduce(
        run, "--arguments", "--lr {lr} --epochs 2", "--folder", "again", "--tolerance", "0.5", "--tolerance", "score=1"
    )
    assert said.code == 0, said.out
    said = reproduce(
        run, "--arguments", "--lr {lr} --epochs 2", "--folder", "third", "--tolerance", "0.5", "--ignore", "sc*", "--json"
    )
    assert [one["verdict"] for one in said.json["metrics"]] == ["within", "ignored"]


def test_changes_that_were_not_committed_are_applied(record: Any, reproduce: Command, repository: Repository) -> None:
    repository.write("train.py", TRAIN.replace("FACTOR = 1.0", "FACTOR = 2.0"))
    run = record()
    assert run.code["dirty"] and run.artifacts.filter(path="code/changes.patch").exists()
    said = reproduce(run)
    assert said.code == 0, said.out + said.err
    assert "The changes that were not committed then are applied first" in said.err
    without = reproduce(run, "--folder", "bare", "--without-changes")
    assert without.code == 3
    assert "Note: The code had changes that were not committed; they were left out, as asked." in without.out


def test_changes_that_are_not_those_recorded_are_refused(record: Any, reproduce: Command, repository: Repository) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    repository.write("train.py", TRAIN.replace("FACTOR = 1.0", "FACTOR = 2.0"))
    run = record()
    TrainingRun.objects.filter(pk=run.pk).update(code=run.code | {"patch_digest": "sha256:" + "0" * 64})
    said = reproduce(run)
    assert said.code == 64 and "The kept changes are not those that the run recorded" in said.err


def test_changes_that_were_not_kept_are_said(record: Any, reproduce: Command, repository: Repository) -> None:
    repository.write("data.bin", b"\0\xff")
    run = record()
    said = reproduce(run)
    assert said.code == 0
    assert "they were not kept (1 changed binary files are not in the patch: data.bin)" in said.out


def test_a_commit_that_was_not_pushed_needs_a_repository(record: Any, reproduce: Command, repository: Repository) -> None:
    repository.write("train.py", TRAIN + "\n# more\n")
    repository.commit("Not pushed")
    run = record()
    said = reproduce(run)
    assert said.code == 64 and "has no commit" in said.err
    said = reproduce(run, "--folder", "again", "--repository", str(repository.folder))
    assert said.code == 0, said.err


@pytest.mark.parametrize(
    ("remote", "sentence"),
    [
        ("ext::sh -c touch% ran", "is no address of a repository"),
        ("--upload-pack=touch ran", "is no address of a repository"),
        ("/nonexistent/repository", "cannot be cloned"),
        ("", "The run recorded no remote"),
    ],
)
def test_a_hostile_or_lost_remote_is_a_sentence(
    remote: str, sentence: str, record: Any, reproduce: Command, machine: Path
) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    run = record()
    TrainingRun.objects.filter(pk=run.pk).update(code=run.code | {"remote": remote})
    said = reproduce(run)
    assert said.code == 64 and sentence in said.err
    assert not list(machine.rglob("ran"))


def test_another_tree_than_the_recorded_one_is_refused(record: Any, reproduce: Command) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    run = record()
    TrainingRun.objects.filter(pk=run.pk).update(code=run.code | {"tree": "0" * 40})
    said = reproduce(run)
    assert said.code == 64 and "this is not the code that ran" in said.err


def test_a_training_that_fails_or_records_nothing_is_told(record: Any, reproduce: Command, repository: Repository) -> None:
    repository.write("quiet.py", "print('nothing to say')\n")
    repository.write("broken.py", "raise ValueError('no data here')\n")
    repository.commit("More scripts")
    repository.git("push", "-q", "origin", "main")
    run = record()
    said = reproduce(run, "--entry", "broken.py")
    assert said.code == 1 and "ended with code 1 (ValueError: no data here)" in said.err
    said = reproduce(run, "--entry", "quiet.py", "--folder", "second")
    assert said.code == 1 and "The training recorded nothing" in said.err
    said = reproduce(run, "--entry", "../../elsewhere.py", "--folder", "third")
    assert said.code == 64 and "The commit has no file ../../elsewhere.py" in said.err


def test_it_asks_before_anything_runs(command: Command, record: Any, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record()
    said = command("reproduce", str(run.pk), "--environment", "current")
    assert said.code == 64 and "There is nobody to ask whether this may run: add --yes." in said.err
    assert list(machine.iterdir()) == []

    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return "n\n"

    monkeypatch.setattr("sys.stdin", Terminal())
    said = command("reproduce", str(run.pk), "--environment", "current")
    assert said.code == 64 and "Nothing was run." in said.err
    assert list(machine.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(record: Any, reproduce: Command, machine: Path) -> None:
    run = record()
    (machine / "mine").mkdir()
    (machine / "mine" / "work.txt").write_text("x")
    said = reproduce(run, "--folder", "mine")
    assert said.code == 64 and "holds something already" in said.err


def test_unknown_runs_wrong_words_and_runs_without_a_commit_are_sentences(
    command: Command, record: Any, reproduce: Command, tmp_path: Path
) -> None:
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    run = record()
    assert command("reproduce", "00000000-0000-7000-8000-000000000000", "--yes").code == 1
    for words in (["--tolerance", "x"], ["--tolerance", "-1"], ["--tolerance", "nan"], ["-P", "lr"], ["--environment", "docker"]):
        assert reproduce(run, *words).code == 64, words
    TrainingRun.objects.filter(pk=run.pk).update(code={})
    said = reproduce(run)
    assert said.code == 64 and "This run names no commit" in said.err


def test_an_entry_point_of_the_kept_mlproject_runs_with_the_recorded_parameters(
    record: Any, reproduce: Command, repository: Repository
) -> None:
    project = """
name: tiny
entry_points:
  main:
    parameters:
      lr: {type: float, default: 9}
      epochs: int
    command: "python train.py --lr {lr} --epochs {epochs}"
  odd:
    parameters:
      lr: {type: string}
    command: "echo {lr} && exit 4"
"""
    repository.write("MLproject", project)
    repository.commit("With a project")
    repository.git("push", "-q", "origin", "main")
    run = record("--lr", "0.25")
    said = reproduce(run)
    assert said.code == 0, said.out + said.err
    marker = repository.folder.parent / "injected"
    said = reproduce(run, "--folder", "odd", "--entry", "odd", "-P", f"lr=$(touch {marker}); touch {marker} '")
    assert said.code == 1 and f"$(touch {marker}); touch {marker} '" in said.err
    assert not marker.exists()
    said = reproduce(run, "--folder", "other", "-P", "epochs=many")
    assert said.code == 64 and "The parameter epochs must be of type int, and is “many”." in said.err


def test_hooks_of_a_clone_do_not_run(record: Any, reproduce: Command, repository: Repository, tmp_path: Path) -> None:
    run = record()
    server = Path(repository.git("remote", "get-url", "origin"))
    for name in ("post-checkout", "pre-receive", "post-update"):
        hook = server / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
        hook.chmod(0o755)
    assert reproduce(run).code == 0
    assert not (tmp_path / "hooked").exists()
    subprocess.run(["git", "-C", str(server), "fsck"], check=True, capture_output=True)
