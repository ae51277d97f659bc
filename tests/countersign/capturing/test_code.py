"""The commit and the changes since, from real repositories: told exactly, kept where safe, else refused with the reason."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from countersign.capturing import capture, code_facts
from countersign.capturing.code import LIMIT, PATCH, without_credentials
from tests.countersign.capturing.conftest import Repository


def kept_patch(folder: Path) -> bytes | None:
    return next((file.content for file in capture(folder).files if file.path == PATCH), None)


def test_a_clean_checkout_is_told_by_commit_tree_branch_and_remote(repository: Repository) -> None:
    repository.git("remote", "add", "origin", "https://me:token@example.org/team/digits.git")
    facts = code_facts(repository.folder)
    assert facts == {
        "repository": "https://example.org/team/digits.git",
        "remote": "https://example.org/team/digits.git",
        "branch": "main",
        "commit": repository.git("rev-parse", "HEAD"),
        "tree": repository.git("rev-parse", "HEAD^{tree}"),
        "entry": "",
        "untracked": 0,
        "dirty": False,
        "patch_digest": "",
    }
    assert kept_patch(repository.folder) is None


def test_outside_of_a_repository_and_before_the_first_commit_there_is_nothing(tmp_path: Path) -> None:
    assert code_facts(tmp_path) == {}
    assert capture(tmp_path).notes == []
    assert capture(tmp_path).tags == {"countersign.no_code": "The training ran outside a git checkout."}
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert code_facts(tmp_path) == {}
    assert capture(tmp_path).notes == ["The repository has no commit yet, so no code is recorded."]
    assert capture(tmp_path).tags == {"countersign.no_code": "The repository had no commit yet."}


def test_without_git_the_training_goes_on(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    captured = capture(repository.folder)
    assert captured.code == {} and captured.environment["packages"]
    assert captured.tags["countersign.no_code"].startswith("The code is left out: ")
    assert captured.notes == ["The code is left out: git cannot be run (No such file or directory)."]


def test_a_detached_head_has_no_branch_and_a_folder_below_is_the_same_checkout(repository: Repository) -> None:
    repository.git("checkout", "-q", "--detach")
    (repository.folder / "inner").mkdir()
    facts = code_facts(repository.folder / "inner")
    assert (facts["branch"], facts["commit"]) == ("", repository.git("rev-parse", "HEAD"))


def test_the_remote_of_the_branch_is_meant(repository: Repository) -> None:
    repository.git("remote", "add", "origin", "https://example.org/a.git")
    repository.git("remote", "add", "fork", "git@example.org:b.git")
    assert code_facts(repository.folder)["remote"] == "https://example.org/a.git"
    repository.git("config", "branch.main.remote", "fork")
    assert code_facts(repository.folder)["remote"] == "git@example.org:b.git"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://me:secret@example.org/a.git", "https://example.org/a.git"),
        ("https://ghp_abcdef@example.org/a.git", "https://example.org/a.git"),
        ("https://example.org/a.git?private_token=abc#x", "https://example.org/a.git"),
        ("ssh://git@example.org/a.git", "ssh://git@example.org/a.git"),
        ("ssh://git:secret@example.org/a.git", "ssh://example.org/a.git"),
        ("git@example.org:a.git", "git@example.org:a.git"),
        ("/srv/git/a.git", "/srv/git/a.git"),
        ("https://[broken/a.git", ""),
    ],
)
def test_no_credential_of_a_remote_is_told(address: str, told: str) -> None:
    assert without_credentials(address) == told


def test_changes_are_kept_as_a_patch_that_makes_the_same_tree(repository: Repository, tmp_path: Path) -> None:
    repository.write("train.py", "epochs = 4\n")
    repository.write("new.py", "added = True\n")
    repository.git("add", "new.py")
    repository.write("notes.txt", "not tracked\n")
    # Settings under which a plain `git diff` prints something that cannot be applied.
    for name, value in {
        "diff.noprefix": "true",
        "color.ui": "always",
        "diff.mnemonicPrefix": "true",
        "diff.renames": "copies",
    }.items():
        repository.git("config", name, value)
    facts = code_facts(repository.folder)
    patch = kept_patch(repository.folder)
    assert patch is not None and facts["patch_digest"] == "sha256:" + hashlib.sha256(patch).hexdigest()
    assert (facts["dirty"], facts["untracked"]) == (True, 1)
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(repository.folder), str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "apply"], input=patch, check=True)
    assert (clone / "train.py").read_text() == "epochs = 4\n" and (clone / "new.py").read_text() == "added = True\n"


def test_binary_files_are_listed_and_not_sent(repository: Repository) -> None:
    repository.write("data.bin", b"\0\xff" * 500)
    captured = capture(repository.folder)
    assert captured.files == [] or all(file.path != PATCH for file in captured.files)
    assert captured.code["dirty"] and captured.code["patch_digest"] == ""
    assert captured.tags["countersign.changes"] == "1 changed binary files are not in the patch: data.bin"
    repository.write("train.py", "epochs = 9\n")
    patch = kept_patch(repository.folder)
    assert patch is not None and b"epochs = 9" in patch and b"data.bin" not in patch


def test_a_huge_patch_is_refused_and_said(repository: Repository) -> None:
    repository.write("train.py", "line\n" * (LIMIT // 5 + 1))
    captured = capture(repository.folder)
    assert captured.files == [] and captured.code["patch_digest"] == "" and captured.code["dirty"]
    assert captured.notes == ["The changes are not kept, because they are larger than 1 MiB."]
    repository.write("train.py", "line\n" * (LIMIT // 10))
    assert kept_patch(repository.folder) is not None


def test_changes_that_hold_a_secret_are_refused_and_the_secret_is_not_told(repository: Repository) -> None:
    repository.write("train.py", "epochs = 4\n")
    key = "AKIA" + "ABCDEFGH12345678"
    repository.write("settings.ini", f"aws = {key}\n")
    repository.git("add", "settings.ini")
    captured = capture(repository.folder)
    assert captured.files == [] and captured.code["patch_digest"] == ""
    assert captured.tags == {
        "countersign.changes": "the changes are not kept, because they seem to hold a key of AWS in settings.ini"
    }
    assert key not in repr(captured)


def test_a_secret_that_is_taken_away_is_in_the_patch_too(repository: Repository) -> None:
    repository.write("settings.ini", "hf = hf_" + "abcdefghij0123456789\n")
    repository.commit("A mistake")
    repository.write("settings.ini", "hf =\n")
    assert kept_patch(repository.folder) is None


def test_a_changed_file_of_secrets_is_refused_by_its_name(repository: Repository) -> None:
    repository.write("conf/.env", "COLOUR=blue\n")
    repository.git("add", "-f", "conf/.env")
    captured = capture(repository.folder)
    assert captured.notes == ["The changes are not kept, because they touch the file conf/.env, in which secrets are kept."]
    assert captured.files == []


def test_the_training_file_is_told_relative_to_the_checkout(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    main = SimpleNamespace(__file__=str(repository.write("src/fit.py", "")))
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert code_facts(repository.folder)["entry"] == "src/fit.py"
    main.__file__ = str(tmp_path / "elsewhere.py")
    assert code_facts(repository.folder)["entry"] == ""
    main.__file__ = "<stdin>"
    assert code_facts(repository.folder)["entry"] == ""
    main.__vsc_ipynb_file__ = str(repository.write("look.ipynb", "{}"))
    assert code_facts(repository.folder)["entry"] == "look.ipynb"


def test_git_that_hangs_is_given_up_and_the_run_does_not_look_clean(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ncase "$*" in *ls-files*) exec sleep 600;; esac\nexec {real} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
    monkeypatch.setattr("countersign.capturing.code.SECONDS", 2.0)
    captured = capture(repository.folder)
    assert captured.code["dirty"] is True
    assert captured.notes == ["What is not committed could not be found out (it took too long)."]


def test_odd_file_names_do_no_harm(repository: Repository) -> None:
    for name in ("-rf", ":(top)x", "a b\tc", 'q"uote', "ünï.py", "new\nline"):
        repository.write(name, "text\n")
    repository.git("add", "-A")
    repository.write(":(glob)*.bin", b"\0\1")
    repository.git("--literal-pathspecs", "add", ":(glob)*.bin")
    captured = capture(repository.folder)
    assert captured.tags["countersign.changes"].endswith(": :(glob)*.bin")
    patch = kept_patch(repository.folder)
    assert patch is not None and patch.count(b"diff --git ") == 6
