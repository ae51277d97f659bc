"""A log folder on a signed-in machine, and the command that imports it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.conftest import Said
from tracking.models import TrainingRun

Import = Callable[..., Said]


@pytest.fixture
def logs(machine: Path) -> Path:
    return machine / "logs"


@pytest.fixture
def signed_in(site: str, scientist: Any, key_of: Callable[..., str], monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))


@pytest.fixture
def import_logs(signed_in: None, command: Callable[..., Said], logs: Path) -> Import:
    return lambda *words: command("import", "tensorboard", str(logs), *words)


def one(**which: Any) -> TrainingRun:
    return TrainingRun.objects.get(**which)


def curve(run: TrainingRun, name: str = "loss") -> tuple[list[int], list[float]]:
    points = run.series.get(name=name).points()
    return points.steps.tolist(), points.values.tolist()
