"""`manage.py inspect`: one JSON line a file, whatever the files, with no database in reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).parent.parent.parent


def inspect(*arguments: str | bytes | Path) -> tuple[int, list[dict[str, Any]]]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    command = [sys.executable, "manage.py", "inspect", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, check=False, timeout=120)
    assert b"Traceback" not in done.stderr, done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_each_file_has_one_line_and_any_refusal_the_exit_code_1(attack: Callable[[str], Path], tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(3)}, tmp_path / "good.pt")
    strange = os.fsencode(tmp_path) + b"/not\xfftext.pt"
    Path(os.fsdecode(strange)).write_text("no weights")
    code, lines = inspect(tmp_path / "good.pt", attack("os_system.pt"), tmp_path / "none", tmp_path, strange)
    assert code == 1
    assert [line["verdict"] for line in lines] == ["accepted", *["refused"] * 4]
    assert set(lines[0]) == {"path", "sha256", "format", "verdict", "reasons", "facts"}
    assert lines[0]["sha256"].startswith("sha256:")
    assert os.fsencode(lines[4]["path"]) == strange


def test_accepted_files_alone_end_with_0(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(3)}, tmp_path / "good.pt")
    assert inspect(tmp_path / "good.pt")[0] == 0


def test_deep_adds_what_loading_shows(tmp_path: Path) -> None:
    torch.save({"w": torch.tensor([1.0, float("nan")])}, tmp_path / "good.pt")
    code, (line,) = inspect("--deep", tmp_path / "good.pt")
    assert (code, line["verdict"], line["facts"]["nan"]) == (0, "accepted", 1)
    assert line["facts"]["sandbox_level"] in ("L2", "L3")
