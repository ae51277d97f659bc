"""Environments made from what a run kept: a real one with pip from a wheel built here, and what goes wrong as one sentence."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from countersign.reproducing import environments
from countersign.reproducing.environments import choose, current, differences, make, python_like
from countersign.reproducing.problem import CannotReproduce

HERE = ".".join(map(str, sys.version_info[:3]))


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the wheel tiny 1.0, which is all that pip can reach."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "answer = 42\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": str(folder)}.items():
        monkeypatch.setenv(name, value)
    return folder


def made(tmp_path: Path, source: str, files: dict[str, str], recorded: tuple[str, ...] = ()) -> environments.Environment:
    kept, code = tmp_path / "kept", tmp_path / "code"
    for folder in (kept, code):
        folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (kept / name).write_text(text)
    at = tmp_path / "environment"
    return make(source, kept=kept, code=code, folder=at, recorded=recorded, python=HERE, say=lambda _: None)


@pytest.mark.parametrize(
    ("source", "files", "recorded"),
    [
        ("requirements.txt", {"requirements.txt": "tiny==1.0\n"}, ("tiny==1.0",)),
        (
            "python_env.yaml",
            {"python_env.yaml": "dependencies:\n- -r requirements.txt\n", "requirements.txt": "tiny\n"},
            ("tiny==1.0",),
        ),
        ("packages", {}, ("tiny==1.0", "--index-url==http://evil", "-e ../x==1")),
    ],
)
def test_an_environment_holds_what_was_recorded(
    source: str, files: dict[str, str], recorded: tuple[str, ...], tmp_path: Path, wheels: Path
) -> None:
    environment = made(tmp_path, source, files, recorded)
    assert environment.python.is_relative_to(tmp_path / "environment")
    said = subprocess.run(
        [environment.python, "-c", "import tiny; print(tiny.answer)"], capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "42"
    assert "tiny" not in {one["name"] for one in environment.differs}


@pytest.mark.parametrize(
    ("source", "files", "why"),
    [
        ("requirements.txt", {"requirements.txt": "absent==9\n"}, r"could not be made \(ERROR: .*absent.* --environment current"),
        ("python_env.yaml", {"python_env.yaml": "dependencies: [--index-url=http://x]\n"}, "holds the option --index-url"),
        (
            "python_env.yaml",
            {"python_env.yaml": "dependencies: ['-r other.txt']\n"},
            "names other.txt, which the run",
        ),
        ("python_env.yaml", {"python_env.yaml": "python: '3.11'\n"}, "names no packages"),
        ("python_env.yaml", {"python_env.yaml": "a: !!python/name:x y\n"}, "cannot be read: line 1"),
    ],
)
def test_what_cannot_be_installed_is_a_sentence(
    source: str, files: dict[str, str], why: str, tmp_path: Path, wheels: Path
) -> None:
    with pytest.raises(CannotReproduce, match=why):
        made(tmp_path, source, files)


def program(folder: Path, name: str) -> Path:
    """A program that writes down how it was called, and leaves a Python where one is expected."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(
        f'#!/bin/sh\necho "{name} $* $UV_PROJECT_ENVIRONMENT" >> {folder}/calls\n'
        f'at="$UV_PROJECT_ENVIRONMENT"; while [ $# -gt 0 ]; do [ "$1" = --prefix ] && at="$2"; shift; done\n'
        f'mkdir -p "$at/bin" && ln -s {sys.executable} "$at/bin/python"\n'
    )
    file.chmod(0o755)
    return folder


def test_uv_and_conda_do_what_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = program(program(tmp_path / "bin", "uv"), "conda")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    (tmp_path / "code").mkdir()
    with pytest.raises(CannotReproduce, match=r"needs the commit to have a pyproject\.toml"):
        made(tmp_path, "uv.lock", {"uv.lock": "version = 1\n"})
    (tmp_path / "code" / "pyproject.toml").write_text("")
    made(tmp_path, "uv.lock", {"uv.lock": "version = 1\n"})
    assert (tmp_path / "code" / "uv.lock").read_text() == "version = 1\n"  # the one that was used, not the commit's
    (tmp_path / "environment").rename(tmp_path / "first")
    made(tmp_path, "conda.yaml", {"conda.yaml": "dependencies: [python]\n"})
    (tmp_path / "environment").rename(tmp_path / "second")
    made(tmp_path, "conda-explicit.txt", {"conda-explicit.txt": "@EXPLICIT\n"})
    uv, conda, explicit = (folder / "calls").read_text().splitlines()
    minor = ".".join(HERE.split(".")[:2])
    assert uv == f"uv sync --frozen --python {minor} {tmp_path}/environment"
    assert conda.rstrip() == f"conda env create --file {tmp_path}/kept/conda.yaml --prefix {tmp_path}/environment --yes"
    assert explicit.rstrip() == f"conda create --file {tmp_path}/kept/conda-explicit.txt --prefix {tmp_path}/environment --yes"


def test_without_uv_or_conda_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotReproduce, match=r"uv\.lock needs uv, which is not installed here"):
        made(tmp_path, "uv.lock", {"uv.lock": ""})
    with pytest.raises(CannotReproduce, match=r"environment\.yml needs conda, which is not installed here"):
        made(tmp_path, "environment.yml", {"environment.yml": ""})


def test_the_source_is_what_was_asked_for_else_the_projects_else_the_most_exact() -> None:
    kept = ["conda.yaml", "requirements.txt", "uv.lock"]
    assert choose("auto", kept, "", ()) == "uv.lock"
    assert choose("auto", kept, "envs/conda.yaml", ()) == "conda.yaml"
    assert choose("auto", kept, "absent.yaml", ()) == "uv.lock"
    assert choose("auto", [], "", ("numpy==2",)) == "packages"
    assert choose("requirements.txt", kept, "conda.yaml", ()) == "requirements.txt"
    with pytest.raises(CannotReproduce, match=r"The run kept no environment\.yml; it kept conda\.yaml"):
        choose("environment.yml", kept, "", ())
    with pytest.raises(CannotReproduce, match="--environment current"):
        choose("auto", [], "", ())


def test_another_python_is_looked_for_and_its_absence_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert python_like("") == python_like(HERE) == sys.executable
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotReproduce, match=r"trained with Python 3\.7\.1, and no python3\.7 is installed here"):
        python_like("3.7.1")
    (tmp_path / "python3.7").write_text("#!/bin/sh\n")
    (tmp_path / "python3.7").chmod(0o755)
    assert python_like("3.7.1") == str(tmp_path / "python3.7")


def test_differences_are_told_by_name_however_it_is_written() -> None:
    found = differences(("Odd_One==1", "same==2", "gone==3"), ("odd-one==1.1", "Same==2", "more==4"))
    assert found == [
        {"name": "gone", "recorded": "3", "here": ""},
        {"name": "more", "recorded": "", "here": "4"},
        {"name": "odd-one", "recorded": "1", "here": "1.1"},
    ]
    assert current((), "3.1.0").differs[0] == {"name": "Python", "recorded": "3.1.0", "here": HERE}


@pytest.mark.parametrize("said", ["3.11; rm -rf /", "https://evil.example/python.zip", "/opt/python", "../python", "3", "3.11\n"])
def test_only_a_version_number_is_asked_for(said):
    with pytest.raises(CannotReproduce, match="which is no version"):
        python_like(said)


@pytest.mark.parametrize("said", ["3.11", "3.11.7", "3.14.0rc2", "3.12.1+"])
def test_every_version_that_python_says_of_itself_is_one(said, monkeypatch):
    monkeypatch.setattr(environments.shutil, "which", lambda name: name)
    assert python_like(said) in {sys.executable, f"python{'.'.join(said.split('.')[:2])}"}
