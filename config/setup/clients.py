"""`python -m config.setup.clients [NAME…]`: real client libraries, each in an environment of its own under `.venv-clients`.

They ask for other versions of what Countersign itself stands on, so none may be in `.venv`. Each sees what `.venv` holds (torch,
numpy, scikit-learn) behind its own packages, which keeps it small: all of them together are a third of a GiB. Without names
those are prepared that tests use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from config.setup import host
from config.setup.environment import Environment, Pip, Say, pins
from config.setup.problem import EXIT, Problem
from config.setup.torch_choice import cuda_packages

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ".venv/bin/python -m config.setup.clients"
ROOM = host.GIB // 4  # measured: the largest, mlflow-server, takes 136 MiB

# What must import before an environment counts as ready: pins that do not fit one another show here, not in the middle of a test.
# None of it loads torch, which alone would take longer than the installing.
PROOF = {
    "mlflow3": "import mlflow.client",
    "mlflow2": "import mlflow.client",
    "tensorboard": "import tensorboard.summary, tensorboard.backend.event_processing.event_accumulator",
    "fastai": "import fastcore.all, fasttransform, fastprogress, matplotlib",
    "lightning": "import importlib.metadata; importlib.metadata.version('lightning')",
    "mlflow-server": "import mlflow.server, mlflow.store.tracking.sqlalchemy_store, psycopg2",
}
LARGE = ("mlflow-server",)  # only `make bench` needs it
EVERYDAY = tuple(name for name in PROOF if name not in LARGE)


@dataclass(frozen=True, slots=True)
class ClientEnvironment:
    """`.venv-clients/NAME`: what its requirements pin, before the packages of `.venv`."""

    name: str
    root: Path = ROOT

    @property
    def host(self) -> Environment:
        return Environment(self.root, tools=True)

    @property
    def folder(self) -> Path:
        return self.root / ".venv-clients" / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def requirements(self) -> Path:
        return self.root / "requirements-clients" / f"{self.name}.txt"

    @property
    def packages(self) -> Path:
        return _packages_of(self.folder)

    @property
    def stamp(self) -> Path:
        return self.folder / "countersign-setup"

    def fingerprint(self) -> str:
        """Changes with the pins, with the Python and when the project is moved."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return hashlib.sha256(f"{self.folder} {version}\n".encode() + self.requirements.read_bytes()).hexdigest()

    def is_ready(self) -> bool:
        return self.python.exists() and self.stamp.exists() and self.stamp.read_text().strip() == self.fingerprint()

    def pip(self) -> list[str]:
        """The pip of `.venv`, which installs here: an environment without a pip of its own is made in a tenth of the time."""
        first, *options = self.host.pip()
        return [first, *options, "--python", str(self.python)]

    def make(self) -> None:
        """An empty environment that sees `.venv`'s packages after its own."""
        shutil.rmtree(self.folder, ignore_errors=True)
        words = [str(self.host.python), "-m", "venv", "--without-pip", str(self.folder)]
        answer = subprocess.run(words, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise Problem(f"{self.folder} could not be made ({(answer.stderr or answer.stdout).strip()[-200:]}).")
        (self.packages / "countersign-host.pth").write_text(f"{_packages_of(self.host.folder)}\n")

    def prove(self) -> None:
        """The client imports, and brought no CUDA with it."""
        brought = [path.name.partition("-")[0] for path in self.packages.glob("*.dist-info")]
        if found := cuda_packages(brought):
            raise Problem(
                f"CUDA packages came with {self.requirements.name} ({', '.join(found[:3])}); take them out of the file."
            )
        words = [str(self.python), "-W", "ignore", "-c", PROOF[self.name]]
        answer = subprocess.run(words, capture_output=True, text=True, check=False, cwd=self.folder)
        if answer.returncode != 0:
            reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Problem(
                f"The client {self.name} does not import ({reason}). It shares packages with the tests: run make setup and start "
                f"again; if that was done, correct {self.requirements.name}."
            )
        self.stamp.write_text(self.fingerprint() + "\n")


def client(name: str, root: Path = ROOT) -> ClientEnvironment:
    if name not in PROOF:
        raise Problem(f"There is no client environment {name}; there are {', '.join(PROOF)}.")
    return ClientEnvironment(name, root)


def prepare(names: list[str], *, say: Say, root: Path = ROOT) -> None:
    """Each named environment holds what its file pins, side by side; nothing happens where it does already."""
    missing = [one for one in (client(name, root) for name in dict.fromkeys(names)) if not one.is_ready()]
    if not missing:
        return
    if not missing[0].host.python.exists():
        raise Problem("There is no .venv yet, which client environments stand on; run: make setup")
    host.check_space(root, need=ROOM * len(missing), purpose="Client libraries")
    say(f"Installing client libraries: {', '.join(one.name for one in missing)}")
    begun = time.monotonic()
    with ExitStack() as running:
        installing = [(one, _install(one, running)) for one in missing]
        for one, pip in installing:
            pip.finish(say=say, total=len(pins(one.requirements)))
    for one in missing:
        one.prove()
    say(f"Client libraries are ready after {time.monotonic() - begun:.0f} s")


def _install(environment: ClientEnvironment, running: ExitStack) -> Pip:
    """pip on its way. Every need is pinned, so nothing is resolved: what asks for torch cannot pull a build with CUDA."""
    environment.make()
    words = ["--no-deps", "--only-binary", ":all:", "-r", str(environment.requirements)]
    pip = Pip(environment, {**os.environ, "PIP_USER": "0"}, words)
    running.callback(pip.stop)
    return pip


def _packages_of(folder: Path) -> Path:
    return folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def main(words: list[str]) -> int:
    try:
        prepare(words or list(EVERYDAY), say=lambda sentence: print(f"setup  {sentence}", flush=True))
    except Problem as problem:
        print(f"setup  {problem}", file=sys.stderr)
        return EXIT
    except KeyboardInterrupt:
        print("setup  Stopped; start again and it goes on where it stopped.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
