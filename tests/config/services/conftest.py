"""Data folders that a service user can reach, and what was started in them: nothing of it outlives its test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.services import folders
from config.services.identity import Identity, service_identity


@pytest.fixture(scope="session")
def owner() -> Identity:
    return service_identity()


@pytest.fixture
def make_data(owner: Identity) -> Iterator[Callable[..., Path]]:
    """`make_data()`: a prepared folder directly under the temporary folder, which all users can reach."""
    made: list[Path] = []

    def make(name: str = "data") -> Path:
        folder = Path(tempfile.mkdtemp(prefix="cs-test-"))
        made.append(folder)
        folder.chmod(0o755)
        folders.prepare(folder / name, kind="run", owner=owner)
        return folder / name

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data(make_data: Callable[..., Path]) -> Path:
    return make_data()


@pytest.fixture
def bare_environment() -> dict[str, str]:
    """The caller's, without the addresses of this test run's servers."""
    return {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL", "COUNTERSIGN_DATA"}}
