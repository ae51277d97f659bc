"""The import contracts are kept, and each of them notices a module that breaks it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIGURED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = [contract["name"] for contract in CONFIGURED["contracts"]]
# A module that breaks each contract: where it lies, what it imports.
VIOLATIONS = {
    "The straight line": ("ledger/violation.py", "import governance.models"),
    "SDK and server import neither each other nor a common module": ("config/violation.py", "import countersign.client"),
    "The SDK knows nothing of the server": ("countersign/violation.py", "import core.errors"),
    "The server knows nothing of the SDK": ("audit/violation.py", "import countersign.verify"),
    "The web never imports torch: only the sandboxed child does": ("monitoring/violation.py", "import torch"),
    "What runs in the sandbox knows no Django": ("measures/violation.py", "import django"),
    "The language of filters is plain Python": ("tracking/searching/language/violation.py", "import django"),
    "Inside a context: edges, forms, services, steps and jobs, permissions, models": (
        "governance/models/violation.py",
        "import governance.services",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages, without anything else, in a place where they may be broken."""
    folder = tmp_path_factory.mktemp("copy")
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for package in CONFIGURED["root_packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def lint(folder: Path) -> str:
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)


def test_every_contract_is_kept(copy: Path) -> None:
    said = lint(copy)
    assert [name for name in CONTRACTS if f"{name} KEPT" not in said] == [], said


def test_every_contract_has_a_violation_here() -> None:
    assert set(VIOLATIONS) == set(CONTRACTS)


def test_every_contract_notices_a_module_that_breaks_it(copy: Path) -> None:
    for file, statement in VIOLATIONS.values():
        (copy / file).write_text(statement + "\n")
    said = lint(copy)
    assert [name for name in CONTRACTS if f"{name} BROKEN" not in said] == [], said
    modules = [file.removesuffix(".py").replace("/", ".") for file, _statement in VIOLATIONS.values()]
    assert [module for module in modules if module not in said] == []
