"""The environment that trains: made from the kept lock file in a folder of its own, or the one at hand with what differs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.capturing.packages import EXPLICIT, installed
from countersign.reproducing import plain_yaml
from countersign.reproducing.problem import CannotReproduce

CONDA = (EXPLICIT, "environment.yml", "environment.yaml", "conda.yaml", "conda.yml")
KINDS = ("uv.lock", "requirements.txt", "python_env.yaml", *CONDA)
CURRENT, AUTO, PACKAGES = "current", "auto", "packages"
CHOICES = (AUTO, CURRENT, PACKAGES, *KINDS)
Say = Callable[[str], None]
_VERSION = re.compile(r"[0-9]{1,2}\.[0-9]{1,3}(\.[0-9]{1,3}([a-z]{1,2}[0-9]{1,3})?\+?)?\Z")
_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+\Z")


@dataclass(frozen=True)
class Environment:
    """`python` runs the training; `source` says what it was made from; `differs` lists packages that are not as recorded."""

    python: Path
    source: str
    differs: list[dict[str, str]] = field(default_factory=list)  # [{name, recorded, here}]; empty text: not there


def current(recorded: tuple[str, ...], python: str) -> Environment:
    """The Python that runs this, and what in it is not as it was."""
    differs = differences(recorded, tuple(installed()))
    here = ".".join(map(str, sys.version_info[:3]))
    if python and python != here:
        differs.insert(0, {"name": "Python", "recorded": python, "here": here})
    return Environment(Path(sys.executable), CURRENT, differs)


def differences(recorded: tuple[str, ...], here: tuple[str, ...]) -> list[dict[str, str]]:
    """Packages with another version, missing ones and added ones, by name."""
    before, now = _versions(recorded), _versions(here)
    names = sorted(before.keys() | now.keys())
    return [
        {"name": name, "recorded": before.get(name, ""), "here": now.get(name, "")}
        for name in names
        if before.get(name, "") != now.get(name, "")
    ]


def choose(wanted: str, kept: list[str], named: str, packages: tuple[str, ...]) -> str:
    """What the environment is made from: what was asked for, else what the MLproject names, else the most exact file kept."""
    if wanted not in (AUTO, PACKAGES) and wanted not in kept:
        raise CannotReproduce(f"The run kept no {wanted}; it kept {', '.join(kept) or 'no such file'}.")
    if wanted != AUTO:
        return wanted
    file = Path(named).name
    found = file if file in KINDS and file in kept else next((name for name in KINDS if name in kept), "")
    if found or packages:
        return found or PACKAGES
    raise CannotReproduce(
        "The run recorded neither a lock file nor its packages: use the environment at hand, --environment current"
    )


def make(source: str, *, kept: Path, code: Path, folder: Path, recorded: tuple[str, ...], python: str, say: Say) -> Environment:
    """An environment in `folder`. `kept` holds the lock files as they were recorded, `code` the checkout."""
    log = folder.with_name("environment.log")
    if source == "uv.lock":
        made = _with_uv(kept, code, folder, python=python, log=log, say=say)
    elif source in CONDA:
        made = _with_conda(kept / source, folder, log, say)
    else:
        made = _venv(folder, python, log)
        lines = _pip_lines(source, kept, recorded, folder)
        say(f"Installing {source if source != PACKAGES else 'the recorded packages'}; what pip says is in {log}.")
        _run([str(made), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", *lines], log, cwd=code)
    return Environment(made, source, differences(recorded, _installed_in(made)))


def _pip_lines(source: str, kept: Path, recorded: tuple[str, ...], folder: Path) -> list[str]:
    if source == "requirements.txt":
        return ["-r", str(kept / source)]
    if source == "python_env.yaml":
        return _python_env(kept / source)
    listed = folder.with_name("packages.txt")
    listed.write_text("".join(f"{one}\n" for one in recorded if _PIN.match(one)))  # a line of another form could be an option
    return ["--no-deps", "-r", str(listed)]  # every package is listed, so nothing has to be found out


def _python_env(file: Path) -> list[str]:
    """pip's words of an MLflow python_env.yaml; a `-r` in it means the kept requirements."""
    try:
        said = plain_yaml.read(file.read_bytes()) or {}
    except plain_yaml.NotPlain as error:
        raise CannotReproduce(f"{file.name} cannot be read: {error}.") from error
    wanted: list[Any] = said.get("dependencies", []) if isinstance(said, dict) else []
    words: list[str] = []
    for one in wanted or []:
        text = str(one).strip()
        if found := re.fullmatch(r"-r\s+(\S+)", text):
            if not (file.parent / Path(found[1]).name).is_file():
                raise CannotReproduce(f"{file.name} names {found[1]}, which the run did not keep: use --environment packages")
            words += ["-r", str(file.parent / Path(found[1]).name)]
        elif text.startswith("-"):
            raise CannotReproduce(f"{file.name} holds the option {text[:60]}, which is not passed on to pip.")
        else:
            words.append(text)
    if not words:
        raise CannotReproduce(f"{file.name} names no packages: use --environment packages")
    return words


def _with_uv(kept: Path, code: Path, folder: Path, *, python: str, log: Path, say: Say) -> Path:
    uv = shutil.which("uv")
    if uv is None:
        raise CannotReproduce("uv.lock needs uv, which is not installed here: install it, or use --environment packages")
    if not (code / "pyproject.toml").is_file():
        raise CannotReproduce("uv.lock needs the commit to have a pyproject.toml, and it has none: use --environment packages")
    shutil.copyfile(kept / "uv.lock", code / "uv.lock")
    say(f"Installing uv.lock with uv; what it says is in {log}.")
    words = [uv, "sync", "--frozen", *(["--python", _minor(python)] if python else [])]
    _run(words, log, cwd=code, UV_PROJECT_ENVIRONMENT=str(folder))
    return folder / "bin" / "python"


def _with_conda(file: Path, folder: Path, log: Path, say: Say) -> Path:
    conda = next((found for name in ("micromamba", "mamba", "conda") if (found := shutil.which(name))), None)
    if conda is None:
        raise CannotReproduce(f"{file.name} needs conda, which is not installed here: install it, or use --environment packages")
    say(f"Installing {file.name} with {Path(conda).name}; what it says is in {log}.")
    how = ["create", "--file"] if file.name == EXPLICIT or "micromamba" in conda else ["env", "create", "--file"]
    _run([conda, *how, str(file), "--prefix", str(folder), "--yes"], log, cwd=folder.parent)
    return folder / "bin" / "python"


def _venv(folder: Path, python: str, log: Path) -> Path:
    """An empty environment of the recorded Python's minor version."""
    program = python_like(python)
    _run([program, "-m", "venv", str(folder)], log, cwd=folder.parent)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def python_like(version: str) -> str:
    """A Python of this minor version: the one that runs this, or one on the path."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not version or _minor(version) == here:
        return sys.executable
    if found := shutil.which(f"python{_minor(version)}"):
        return found
    raise CannotReproduce(
        f"The run was trained with Python {version}, and no python{_minor(version)} is installed here: "
        "install it, or use --environment current"
    )


def _minor(version: str) -> str:
    """Of a version number; a site could report any text, and uv and the shell's path would be asked for it."""
    if not _VERSION.match(version):
        raise CannotReproduce(f"The run reported {version[:40]!r} as its Python, which is no version: use --environment current")
    return ".".join(version.split(".")[:2])


def _installed_in(python: Path) -> tuple[str, ...]:
    program = (
        "import importlib.metadata as m; print(*(f\"{d.metadata['Name']}=={d.version}\" for d in m.distributions()), sep='\\n')"
    )
    done = subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=False)
    return tuple(done.stdout.split())


def _run(words: list[str], log: Path, *, cwd: Path, **variables: str) -> None:
    with log.open("ab") as out:
        try:
            done = subprocess.run(
                words,
                cwd=cwd,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except OSError as error:
            raise CannotReproduce(f"{words[0]} cannot be run ({error.strerror}).") from error
    if done.returncode != 0:
        lines = log.read_text(errors="replace").strip().splitlines()
        reason = next((line for line in lines if line.startswith(("ERROR", "error"))), lines[-1] if lines else "no reason given")
        raise CannotReproduce(
            f"The environment could not be made ({reason[:300]}); all of it is in {log}. "
            "The one at hand does instead: --environment current"
        )


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    split = (one.partition("==") for one in packages)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, _, version in split}
