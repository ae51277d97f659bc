"""A tiny training in a real git repository, recorded on the real site by a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.countersign.capturing.conftest import Repository

ROOT = Path(__file__).resolve().parents[3]
TRAIN = """
import argparse, countersign
words = argparse.ArgumentParser()
words.add_argument("--lr", type=float, default=0.1)
words.add_argument("--epochs", type=int, default=3)
args = words.parse_args()
FACTOR = 1.0
run = countersign.start_run("tiny", params=vars(args))
for epoch in range(args.epochs):
    run.log(step=epoch, loss=FACTOR / (1 + args.lr * epoch), score=args.lr * epoch)
with open("model.txt", "w") as file:
    file.write(f"{args.lr * FACTOR}")
run.log_artifact("model.txt", "model/model.txt")
run.end(wait=60)
"""


@pytest.fixture
def signed_in(site: str, scientist: Any, key_of: Callable[..., str], machine: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The person's programs find the site, and this checkout's countersign."""
    monkeypatch.setenv("COUNTERSIGN_URL", site)
    monkeypatch.setenv("COUNTERSIGN_KEY", key_of(scientist))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return site


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The scientist's own repository, with a bare one that it was pushed to as its remote."""
    made = Repository(tmp_path / "digits")
    made.write("train.py", TRAIN)
    made.commit("A training")
    bare = tmp_path / "server.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(made.folder), str(bare)], check=True)
    made.git("remote", "add", "origin", str(bare))
    return made


@pytest.fixture
def record(signed_in: str, repository: Repository) -> Callable[..., Any]:
    """`record("--lr", "0.5")`: the training has run in the scientist's checkout; the run as the site has it."""
    from tracking.models import TrainingRun  # noqa: PLC0415 - the server's side

    def run(*words: str, script: str = "train.py") -> Any:
        known = set(TrainingRun.objects.values_list("pk", flat=True))
        command = [sys.executable, script, *words]
        done = subprocess.run(
            command, cwd=repository.folder, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return TrainingRun.objects.exclude(pk__in=known).get()

    return run
