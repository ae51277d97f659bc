"""The virtual environment: made once, filled from requirements.txt, and marked with what it was filled from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from config.setup import host
from config.setup.problem import Problem
from config.setup.torch_choice import choose_torch, cuda_packages

NEEDED = int(3.5 * host.GIB)  # measured: 2.3 GiB installed, and room for what pip unpacks on the way
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Environment:
    """`.venv`; `tools` says whether it also holds the linters and what tests need."""

    root: Path
    tools: bool = False

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def requirements(self) -> list[Path]:
        names = ["requirements.txt", "requirements-dev.txt"] if self.tools else ["requirements.txt"]
        return [self.root / name for name in names]

    @property
    def stamp(self) -> Path:
        return self.folder / "countersign-setup"

    def fingerprint(self) -> str:
        """Changes when what should be installed changes; a moved folder counts, because scripts name their interpreter."""
        digest = hashlib.sha256(f"{self.folder} {_this_python()} {host.has_gpu()}".encode())
        for path in self.requirements:
            digest.update(path.read_bytes())
        project = tomllib.loads((self.root / "pyproject.toml").read_text())["project"]  # not the settings of linters and tests
        digest.update(json.dumps(project, sort_keys=True).encode())
        return digest.hexdigest()

    def is_ready(self) -> bool:
        """What the stamp names was installed: with tools, or without them where tools are not asked for."""
        if not self.stamp.exists() or not self.runs():
            return False
        stamped = self.stamp.read_text().split()
        return self.fingerprint() in stamped

    def mark_ready(self) -> None:
        with_less = [] if not self.tools else [Environment(self.root).fingerprint()]
        self.stamp.write_text("\n".join([self.fingerprint(), *with_less]) + "\n")

    def runs(self) -> bool:
        try:
            answer = subprocess.run(
                [self.python, "-I", "-S", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return False
        return answer.stdout.strip() == _this_python()

    def pip(self) -> list[str]:
        return [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input"]


def fill(environment: Environment, *, say: Say) -> None:
    """`.venv` holds what the requirements pin, and the command line `countersign`; nothing happens where it does already."""
    if environment.is_ready():
        return
    host.check_venv_module()
    host.check_space(environment.root, need=NEEDED if not environment.folder.exists() else NEEDED // 4, purpose="The environment")
    _make(environment, say=say)
    variables = {**os.environ, "PIP_USER": "0"}
    choice = choose_torch(environment.pip(), environment.requirements[0], gpu=host.has_gpu(), environment=variables)
    others = [pin for path in environment.requirements for pin in pins(path) if not pin.startswith("torch==")]
    say(f"{choice.sentence()}; with the {len(others)} other packages this takes one to five minutes.")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as rest:
        rest.write("\n".join(others) + "\n")
        rest.flush()
        # Every need is pinned, PyTorch's too, so nothing is resolved: what asks for torch cannot pull another build of it, and
        # the two never write the same files and may go side by side.
        torch = Pip(environment, variables, [*choice.options, "--no-deps", choice.requirement])
        try:
            Pip(environment, variables, ["--no-deps", "-r", rest.name]).finish(say=say, total=len(others))
            torch.finish(say=say)
        finally:
            torch.stop()
    if choice.cuda or not _complete(environment):
        Pip(environment, variables, [w for path in environment.requirements for w in ("-r", str(path))]).finish(say=say)
    Pip(environment, variables, ["--no-deps", "--no-build-isolation", "-e", str(environment.root)]).finish(say=say)
    if not host.has_gpu():
        refuse_cuda(environment)
    check_rendering(environment)
    environment.mark_ready()


def pins(path: Path) -> list[str]:
    """The lines of a requirements file that pin a package."""
    return [line.strip() for line in path.read_text().splitlines() if "==" in line and not line.startswith("#")]


def _this_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _make(environment: Environment, *, say: Say) -> None:
    if environment.folder.exists() and not environment.runs():
        if not environment.stamp.exists():
            raise Problem(
                f"{environment.folder} was not made by `make setup` and does not fit this Python ({_this_python()}); "
                "move it away and start again."
            )
        say(f"Making {environment.folder} anew for Python {_this_python()}")
        shutil.rmtree(environment.folder)
    if not environment.folder.exists():
        say(f"Making {environment.folder} with {sys.executable}")
        answer = subprocess.run([sys.executable, "-m", "venv", environment.folder], capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            shutil.rmtree(environment.folder, ignore_errors=True)
            reason = _last(answer.stdout + answer.stderr)
            raise Problem(f"The environment could not be made ({reason}); see whether the disk is full.")
        environment.stamp.write_text("unfinished\n")


class HasPip(Protocol):
    """An environment's folder, and the words that start the pip which fills it."""

    @property
    def folder(self) -> Path: ...

    def pip(self) -> list[str]: ...


class Pip:
    """One `pip install` on its way. Modules are compiled when they are first used, which halves the time to the first page."""

    def __init__(self, environment: HasPip, variables: dict[str, str], words: list[str]) -> None:
        self.folder = environment.folder
        command = [*environment.pip(), "install", "--no-compile", "--progress-bar", "off", "--no-warn-script-location", *words]
        self.log = tempfile.NamedTemporaryFile("w")  # noqa: SIM115 - read until the process has ended
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, env=variables
        )

    def finish(self, *, say: Say, total: int = 0) -> None:
        """pip has installed it; meanwhile a line says how far it is, so that silence never means that it hangs."""
        said = ""
        while True:
            try:
                self.process.wait(timeout=5)
                break
            except subprocess.TimeoutExpired:
                now = progress(self._lines(), total)
                if now != said:
                    say(now)
                said = now
        if self.process.returncode != 0:
            raise Problem(explain(self._lines(), folder=self.folder.name))

    def _lines(self) -> list[str]:
        return Path(self.log.name).read_text(errors="replace").splitlines()

    def stop(self) -> None:
        """Nothing is left running when another part failed."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def progress(lines: list[str], total: int) -> str:
    if any(line.startswith("Installing collected") for line in lines):
        return "All packages are fetched; installing them"
    seen = [line for line in lines if line.startswith(("Collecting", "Requirement already satisfied"))]
    return f"{min(len(seen), total)} of {total} packages" if total else "Installing"


def _complete(environment: Environment) -> bool:
    """Another Python or platform may need a package that the pins do not name."""
    return subprocess.run([*environment.pip(), "check"], capture_output=True, check=False).returncode == 0


def explain(lines: list[str], *, folder: str = ".venv") -> str:
    """What pip complained about, as one sentence with the remedy."""
    text = "\n".join(lines)
    if "No space left on device" in text:
        return "The disk became full while packages were installed; free about 4 GiB and start again."
    if "Permission denied" in text:
        return f"pip may not write to {folder}, which another user has made; remove it with that user's rights and start again."
    complaints = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    reason = complaints[0] if complaints else (lines[-1] if lines else "no reason given")
    if "No matching distribution" in text or "Could not find a version" in text or "Connection" in text:
        return f"pip could not fetch the packages ({reason}); check the network and pip's settings, then start again."
    return f"pip could not install the packages ({reason}); start again, and if it stays so, remove {folder} first."


def installed(environment: Environment) -> list[str]:
    """Names of all distributions in the environment."""
    program = "import importlib.metadata as m; print(*(d.metadata['Name'] for d in m.distributions()), sep='\\n')"
    answer = subprocess.run([environment.python, "-I", "-c", program], capture_output=True, text=True, check=True)
    return answer.stdout.split()


def refuse_cuda(environment: Environment) -> None:
    if found := cuda_packages(installed(environment)):
        raise Problem(
            f"CUDA packages are in .venv on a host without a GPU ({', '.join(found[:3])}); remove .venv and start again."
        )


def check_rendering(environment: Environment) -> None:
    """WeasyPrint finds its libraries: a package list says what should be there, only loading says what is."""
    answer = subprocess.run([environment.python, "-c", "import weasyprint"], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise Problem(
            f"WeasyPrint, which makes the reports, does not load ({_last(answer.stderr)}); install Pango 1.44 or newer "
            "(Debian, Ubuntu: sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)."
        )


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1]
