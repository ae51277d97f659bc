"""Real client libraries in tests: the Python of an environment that `config/setup/clients.py` made, and a program run with it.

A test that uses them is marked `clients` and talks to the site over HTTP, as a person's program would.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from config.setup.clients import COMMAND, LARGE, ROOT, client

# Of the developer's own shell: none of it may reach a client that a test starts.
FOREIGN = ("MLFLOW_", "COUNTERSIGN_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "PYTEST_")


@pytest.fixture(scope="session")
def client_python() -> Callable[[str], Path]:
    """`client_python("mlflow3")`: that environment's Python. Fails where `make test` should have prepared it."""

    def find(name: str) -> Path:
        environment = client(name)
        if environment.is_ready():
            return environment.python
        sentence = f"The client environment {name} is not prepared; run: {COMMAND} {name}"
        if name in LARGE:
            pytest.skip(sentence)
        return pytest.fail(sentence, pytrace=False)

    return find


@pytest.fixture
def run_client(client_python: Callable[[str], Path], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_client("mlflow3", program, "argument", MLFLOW_TRACKING_URI=site)`: the program's text, run in the test's folder.

    It sees this checkout's `countersign`, and must end with code 0 within `seconds`; what it said is in the answer.
    """

    def run(
        name: str, program: str, *words: str, seconds: int = 180, code: int = 0, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        own = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        done = subprocess.run(
            [str(client_python(name)), "-W", "ignore", "-c", program, *map(str, words)],
            env=own | {"PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""} | variables,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == code, f"{name} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
        return done

    return run
