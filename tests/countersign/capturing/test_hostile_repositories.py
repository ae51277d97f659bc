"""Nothing of the repository's runs when its code is captured. Each trap is shown to spring under a plain git first."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign.capturing import capture
from tests.countersign.capturing.conftest import Repository


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that appears when a trap springs."""
    return tmp_path / "ran"


@pytest.fixture
def trap(tmp_path: Path, marker: Path) -> str:
    """A program that leaves the marker and passes on what it is given."""
    program = tmp_path / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(marker))}\ncat\n")
    program.chmod(0o755)
    return str(program)


def monitored(repository: Repository, trap: str) -> None:
    repository.git("config", "core.fsmonitor", trap)


def differed(repository: Repository, trap: str) -> None:
    repository.git("config", "diff.external", trap)


def differed_by_attribute(repository: Repository, trap: str) -> None:
    repository.write(".git/info/attributes", "*.py diff=odd\n")
    repository.git("config", "diff.odd.command", trap)


def converted(repository: Repository, trap: str) -> None:
    repository.write(".git/info/attributes", "*.py diff=odd\n")
    repository.git("config", "diff.odd.textconv", trap)


def filtered(repository: Repository, trap: str) -> None:
    repository.write(".git/info/attributes", "*.py filter=odd.one\n")
    repository.git("config", "filter.odd.one.clean", trap)


def filtered_by_included_settings(repository: Repository, trap: str) -> None:
    repository.write(".git/info/attributes", "*.py filter=odd\n")
    repository.write(".git/more", f'[filter "odd"]\n\tclean = {trap}\n\trequired = true\n')
    repository.git("config", "include.path", "more")


def filtered_by_a_process(repository: Repository, trap: str) -> None:
    repository.write(".git/info/attributes", "*.py filter=odd\n")
    repository.git("config", "filter.odd.process", trap)


def hooked(repository: Repository, trap: str) -> None:
    hooks = repository.folder / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "post-checkout"):
        (hooks / name).symlink_to(trap)
    repository.git("config", "core.hooksPath", str(hooks))
    repository.write("data.bin", b"\0\1\2")  # the same content with a new time: git status refreshes the index


TRAPS = [
    monitored,
    differed,
    differed_by_attribute,
    converted,
    filtered,
    filtered_by_included_settings,
    filtered_by_a_process,
    hooked,
]


@pytest.mark.parametrize("set_trap", TRAPS, ids=lambda function: function.__name__)
def test_no_program_of_the_repository_runs(
    set_trap: Callable[[Repository, str], None], repository: Repository, trap: str, marker: Path
) -> None:
    repository.write("train.py", "epochs = 4\n")
    set_trap(repository, trap)
    for words in (["status"], ["diff", "HEAD"]):  # the control: this trap works
        subprocess.run(["git", "-C", str(repository.folder), *words], capture_output=True, timeout=30, check=False)
    assert marker.exists(), "this trap catches nobody"
    marker.unlink()
    repository.write("train.py", "epochs = 5\n")
    captured = capture(repository.folder)
    assert not marker.exists()
    assert captured.code["dirty"] and captured.code["commit"]


def test_the_persons_own_settings_stay_in_force(
    repository: Repository, trap: str, marker: Path, tmp_path: Path, monkeypatch
) -> None:
    """A filter that somebody installed for themselves (as Git LFS is) is not the repository's."""
    own = tmp_path / "gitconfig"
    own.write_text(f'[filter "mine"]\n\tclean = {trap}\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    repository.write(".gitattributes", "*.py filter=mine\n")
    repository.write("train.py", "epochs = 4\n")
    assert capture(repository.folder).code["dirty"]
    assert marker.exists()


def test_a_submodules_traps_do_not_spring(repository: Repository, trap: str, marker: Path, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.folder), "part")
    repository.commit("With a part")
    part = repository.folder / "part"
    subprocess.run(["git", "-C", str(part), "config", "core.fsmonitor", trap], check=True)
    subprocess.run(["git", "-C", str(part), "config", "filter.odd.clean", trap], check=True)
    (part / ".gitattributes").write_text("*.py filter=odd\n")
    (part / "train.py").write_text("epochs = 7\n")
    repository.git("status")
    assert marker.exists(), "this trap catches nobody"
    marker.unlink()
    assert capture(repository.folder).code["commit"]
    assert not marker.exists()


def test_a_partial_clone_fetches_nothing(repository: Repository, marker: Path, tmp_path: Path) -> None:
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    words = ["clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{repository.folder}", str(clone)]
    subprocess.run(["git", *words], check=True, capture_output=True)

    def git(*more: str) -> None:
        subprocess.run(["git", "-C", str(clone), *more], capture_output=True, timeout=30, check=False)

    git("reset", "-q")
    git("config", "remote.origin.url", f"ext::touch {marker}")
    git("config", "protocol.ext.allow", "always")
    (clone / "train.py").write_text("epochs = 4\n")
    git("diff", "HEAD")
    assert marker.exists(), "this trap catches nobody"
    marker.unlink()
    assert capture(clone).code["commit"]
    assert not marker.exists()


def test_a_repository_whose_working_tree_is_said_to_be_somebodys_home_tells_nothing_of_it(
    repository: Repository, tmp_path: Path
) -> None:
    home = tmp_path
    (home / "train.py").write_text("dear diary\n")  # would be told as a change of the tracked train.py
    repository.git("config", "core.worktree", str(home))
    assert "dear diary" in repository.git("diff", "HEAD"), "this trap catches nobody"
    captured = capture(repository.folder)
    assert captured.code == {} and captured.files == []
    assert captured.notes == ["The repository's own settings name a working tree elsewhere, so its code is left out."]


def test_a_worktree_and_a_submodule_are_checkouts_of_their_own(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert capture(tmp_path / "side").code["branch"] == "side"
    other = Repository(tmp_path / "other")
    repository.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.folder), "part")
    assert capture(repository.folder / "part").code["commit"] == other.git("rev-parse", "HEAD")


def test_a_repository_of_another_user_is_left_alone(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    captured = capture(repository.folder)
    assert captured.code == {}
    assert captured.notes == [
        "Another user owns this repository, so git does not read it and its code is left out (see git's safe.directory)."
    ]


def test_variables_of_another_repository_do_not_mislead(repository: Repository, tmp_path: Path, monkeypatch) -> None:
    other = Repository(tmp_path / "other")
    other.write("train.py", "epochs = 99\n")
    other.commit("Second")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    facts = capture(repository.folder).code
    monkeypatch.undo()
    assert facts["commit"] == repository.git("rev-parse", "HEAD")
