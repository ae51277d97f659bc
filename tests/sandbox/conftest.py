"""A stage outside the repository, from which root and an ordinary user alike can run jobs, and the means to do so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).parent
ORDINARY = 12_345  # an id that owns nothing
AS_ROOT = os.geteuid() == 0


def _open_to_all(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture(scope="session")
def stage() -> Iterator[Path]:
    """A folder that every user may read, with the sandbox and the hostile jobs. Its name marks every process of theirs."""
    folder = Path(tempfile.mkdtemp(prefix="stage-")).resolve()
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HERE.parent.parent / "sandbox", folder / "sandbox", ignore=ignored)
    shutil.copytree(HERE / "jobs", folder / "jobs", ignore=ignored)
    shutil.copy(HERE / "driver.py", folder / "driver.py")
    _open_to_all(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def ordinary_python() -> str | None:
    """An interpreter that the ordinary user can start (root's own may lie in a home folder), or None."""
    for candidate in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        command = [
            *_as_ordinary(),
            candidate,
            "-c",
            "import os, sys; assert sys.version_info >= (3, 11) and os.access(sys.executable, os.X_OK)",
        ]
        if shutil.which(candidate) and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def _as_ordinary() -> list[str]:
    return ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", "--inh-caps=-all"]


@pytest.fixture(params=["as root", "as an ordinary user"] if AS_ROOT else ["as an ordinary user"])
def who(request: pytest.FixtureRequest, ordinary_python: str | None) -> SimpleNamespace:
    """Whoever runs the worker."""
    if not AS_ROOT:
        return SimpleNamespace(prefix=[], python=sys.executable, uid=os.geteuid())
    if request.param == "as root":
        return SimpleNamespace(prefix=[], python=sys.executable, uid=0)
    if ordinary_python is None:
        pytest.skip("no interpreter here that an ordinary user could start")
    return SimpleNamespace(prefix=_as_ordinary(), python=ordinary_python, uid=ORDINARY)


@pytest.fixture
def keys(who: SimpleNamespace) -> Iterator[Path]:
    """A folder of keys with a canary, readable to the worker alone."""
    folder = Path(tempfile.mkdtemp(prefix="keys-")).resolve()
    (folder / "canary").write_text("the canary sings")
    (folder / "canary").chmod(0o600)
    for path in (folder, folder / "canary"):
        os.chown(path, who.uid, -1)
    yield folder / "canary"
    shutil.rmtree(folder)


@pytest.fixture
def command(stage: Path, who: SimpleNamespace) -> Callable[..., list[str]]:
    def make(do: str, **order: Any) -> list[str]:
        job = {"do": do, **order.pop("job", {})}
        given = {"inputs": {}, "limits": {"wall": 30, "cpu": 30}, "need": "L2", "canary": None, "bwrap": "bwrap", "leave_out": []}
        return [*who.prefix, who.python, str(stage / "driver.py"), json.dumps(given | order | {"job": job, "stage": str(stage)})]

    return make


@pytest.fixture
def launch(command: Callable[..., list[str]], stage: Path) -> Callable[..., SimpleNamespace]:
    """`launch("hang", limits={"wall": 1})` runs a job as `who` and returns how it ended. It leaves no process behind."""

    def run(do: str, **order: Any) -> SimpleNamespace:
        environment = {**os.environ, "COUNTERSIGN_TEST_SECRET": "do-not-leak"}
        done = subprocess.run(
            command(do, **order), capture_output=True, text=True, timeout=90, check=False, env=environment, cwd="/"
        )
        assert done.returncode == 0, done.stderr
        assert processes_of(stage) == []
        return SimpleNamespace(**json.loads(done.stdout))

    return run


def processes_of(stage: Path) -> list[str]:
    """The command lines of all living processes that name the stage."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if os.fsencode(stage) in line:
            found.append(line.decode(errors="replace"))
    return found


@pytest.fixture(scope="session")
def bwrap_starts() -> bool:
    """Whether bubblewrap works on this host at all."""
    if shutil.which("bwrap") is None:
        return False
    command = ["bwrap", "--unshare-net", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
