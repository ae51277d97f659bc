"""The environment is made once for each set of pins, and what goes wrong on the way is one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from config.setup import environment as module
from config.setup.environment import Environment, explain, progress
from config.setup.problem import Problem
from config.setup.torch_choice import Choice

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path):
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\necho {module._this_python()}\n")
    python.chmod(0o755)
    return tmp_path


def test_a_stamped_environment_is_left_alone(project, monkeypatch):
    environment = Environment(project, tools=True)
    assert not environment.is_ready()
    environment.mark_ready()
    assert environment.is_ready()
    assert Environment(project).is_ready()  # what has the tools has all that the site needs
    monkeypatch.setattr(module, "_make", pytest.fail)
    module.fill(environment, say=pytest.fail)


def test_other_pins_another_python_or_a_moved_folder_are_noticed(project, tmp_path_factory):
    environment = Environment(project)
    environment.mark_ready()
    assert not Environment(project, tools=True).is_ready()  # the site's environment has no tools
    (project / "requirements.txt").write_text("torch==1.0\n")
    assert not environment.is_ready()
    environment.mark_ready()
    environment.python.write_text("#!/bin/sh\necho 3.99\n")
    assert not environment.is_ready()
    moved = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(project, moved)
    (moved / ".venv" / "bin" / "python").write_text(f"#!/bin/sh\necho {module._this_python()}\n")
    assert not Environment(moved).is_ready()


def test_settings_of_linters_change_nothing(project):
    environment = Environment(project)
    environment.mark_ready()
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text() + "\n[tool.something]\nadded = true\n")
    assert environment.is_ready()


def test_an_environment_that_others_made_is_never_removed(project):
    (project / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho 3.8\n")
    with pytest.raises(Problem, match="was not made by `make setup` and does not fit"):
        module.fill(Environment(project), say=lambda _: None)
    assert (project / ".venv").exists()


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "The disk became full"),
        (["ERROR: Could not find a version that satisfies the requirement x==1 (from versions: none)"], "check the network"),
        (["ERROR: [Errno 13] Permission denied: '/x'"], "which another user has made"),
        (["building", "ERROR: Failed building wheel for x"], r"could not install the packages \(Failed building wheel for x\)"),
        ([], "no reason given"),
    ],
)
def test_what_pip_complains_about_becomes_a_sentence(lines, sentence):
    with pytest.raises(Problem, match=sentence):
        raise Problem(explain(lines))


def test_progress_is_told_in_packages():
    assert progress(["Collecting a", "  Downloading a", "Requirement already satisfied: b"], 7) == "2 of 7 packages"
    assert progress(["Collecting a", "Installing collected packages: a"], 7) == "All packages are fetched; installing them"


def test_a_library_that_does_not_load_is_told(project):
    (project / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho 'OSError: cannot load library libpango' >&2; exit 1\n")
    with pytest.raises(Problem, match=r"does not load \(OSError: cannot load library libpango\); install Pango"):
        module.check_rendering(Environment(project))


def test_cuda_that_came_in_anyway_is_told(project):
    (project / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho numpy; echo nvidia-cublas\n")
    with pytest.raises(Problem, match=r"CUDA packages are in .venv on a host without a GPU \(nvidia-cublas\)"):
        module.refuse_cuda(Environment(project))


def test_nothing_is_resolved_beside_the_chosen_torch(project, monkeypatch):
    """What asks for torch (pytorch-lightning does) would otherwise pull the build with CUDA while torch is on its way."""
    asked: list[list[str]] = []

    class Installed:
        def __init__(self, _environment: Environment, _variables: dict[str, str], words: list[str]) -> None:
            asked.append(words)

        def finish(self, **_: object) -> None: ...

        def stop(self) -> None: ...

    for name, stand_in in {
        "Pip": Installed,
        "choose_torch": lambda *_, **__: Choice("torch==1+cpu", (), cuda=False),
        "_complete": lambda _: True,
        "refuse_cuda": lambda _: None,
        "check_rendering": lambda _: None,
    }.items():
        monkeypatch.setattr(module, name, stand_in)
    module.fill(Environment(project, tools=True), say=lambda _: None)
    assert len(asked) == 3
    assert all("--no-deps" in words for words in asked)
