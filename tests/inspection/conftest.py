"""Files that the tests make themselves, hostile and honest."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inspection import attacks, gadgets


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """What a payload touches when it runs."""
    return tmp_path / "ran"


@pytest.fixture
def attack(tmp_path: Path, marker: Path) -> Callable[[str], Path]:
    """`attack("os_system.pt")` makes that hostile file."""

    def make(name: str) -> Path:
        _, build = (attacks.RUNS_CODE | attacks.LIES | gadgets.RUNS_CODE | gadgets.LIES)[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile warns of two members of one name, torch of old formats: both are meant
            build(tmp_path / name, marker)
        return tmp_path / name

    return make
