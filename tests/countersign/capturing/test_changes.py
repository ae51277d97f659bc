"""The commits and differences that a client tells: bounded, without secrets, and read by the site."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign.capturing import changes
from countersign.capturing.changes import CannotTell, changes_between
from governance.diffs import read_diff

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]

    def run(*words: str) -> str:
        return subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True).stdout.decode().strip()

    run("init", "-q")
    (tmp_path / "train.py").write_text("rate = 0.1\n")
    run("add", "-A")
    run("commit", "-qm", "Begin")
    return run


def commit(git: Git, folder: Path, text: str | bytes, name: str = "train.py", subject: str = "Change") -> str:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    git("add", "-A")
    git("commit", "-qm", subject)
    return git("rev-parse", "HEAD")


def test_commits_and_differences_since_a_commit(git: Git, tmp_path: Path) -> None:
    base = git("rev-parse", "HEAD")
    head = commit(git, tmp_path, "rate = 0.01\n", subject="Lower the rate")
    found = changes_between(tmp_path, commit=head, base=base)
    assert (found.commit, found.base, found.tree) == (head, base, git("rev-parse", "HEAD^{tree}"))
    assert [(one["commit"], one["author"], one["subject"]) for one in found.commits] == [(head, "Ada", "Lower the rate")]
    assert found.commits_total == 1
    (file,) = read_diff(found.diff)
    assert (file.path, file.added, file.removed) == ("train.py", 1, 1)


def test_without_a_base_all_of_it_is_told(git: Git, tmp_path: Path) -> None:
    commit(git, tmp_path, "한국어\n", name="한 글.py")
    found = changes_between(tmp_path)
    assert [(one.path, one.kind) for one in read_diff(found.diff)] == [("train.py", "added"), ("한 글.py", "added")]
    assert (found.base, found.commits_total) == ("", 2)


def test_binary_and_large_files_are_left_out_and_named(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "OF_ONE", 500)
    commit(git, tmp_path, b"\0\1\2" * 50, name="model.bin")
    commit(git, tmp_path, "x = 1\n" * 500, name="long.py")
    found = changes_between(tmp_path)
    assert found.left_out == [{"path": "long.py", "why": "too_large"}, {"path": "model.bin", "why": "binary"}]
    assert [one.path for one in read_diff(found.diff)] == ["train.py"]


def test_all_together_is_bounded(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "LIMIT", 1_000)
    for number in range(6):
        commit(git, tmp_path, f"y = {number}\n" * 40, name=f"file{number}.py")
    found = changes_between(tmp_path)
    assert len(found.diff) <= 1_000 and found.left_out_total == len(found.left_out) == 7 - len(read_diff(found.diff)) > 0


@pytest.mark.parametrize(("name", "text"), [(".env", "A=1\n"), ("a.py", 'password = "hunter2hunter2"\n')])
def test_what_seems_to_hold_a_secret_is_not_sent(git: Git, tmp_path: Path, name: str, text: str) -> None:
    commit(git, tmp_path, text, name=name)
    with pytest.raises(CannotTell, match="Nothing was sent") as refused:
        changes_between(tmp_path)
    assert "hunter2" not in str(refused.value)
    found = changes_between(tmp_path, without=[name])
    assert found.left_out == [{"path": name, "why": "withheld"}]


def test_a_commit_that_is_not_here_is_said(git: Git, tmp_path: Path) -> None:
    with pytest.raises(CannotTell, match="not in this clone"):
        changes_between(tmp_path, base=40 * "9")
    with pytest.raises(CannotTell, match="full hash"):
        changes_between(tmp_path, base="--output=/tmp/x")


def test_outside_of_a_repository_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotTell, match="--folder"):
        changes_between(tmp_path)


def test_no_program_of_the_repository_runs(git: Git, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    (tmp_path / ".gitattributes").write_text("*.py diff=trap\n")
    for key in ("diff.trap.textconv", "diff.trap.command", "diff.external", "core.pager", "gpg.program", "core.fsmonitor"):
        git("config", key, str(trap))
    git("config", "log.showSignature", "true")
    changes_between(tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_the_patch_comes_where_it_is_the_recorded_one(git: Git, tmp_path: Path) -> None:
    from countersign.capturing import code_facts  # noqa: PLC0415 - only this needs it

    (tmp_path / "train.py").write_text("rate = 0.5\n")
    facts = code_facts(tmp_path)
    found = changes_between(tmp_path, commit=facts["commit"], patch_digest=facts["patch_digest"])
    assert "+rate = 0.5" in found.patch
    assert not changes_between(tmp_path, commit=facts["commit"], patch_digest="sha256:" + 64 * "0").patch
    assert not changes_between(tmp_path, commit=facts["commit"]).patch
