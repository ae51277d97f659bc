"""A key is made once, whole, for its owner alone, however many make one at the same moment."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import keyfiles

MANY = 8


def test_of_threads_that_make_a_key_at_once_one_wins_and_its_key_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All have written before the first one gives its file the name."""
    path, together, link = tmp_path / "keys" / "site.pem", threading.Barrier(MANY), os.link

    def at_once(*names: Path) -> None:
        together.wait(10)
        link(*names)

    monkeypatch.setattr(keyfiles.os, "link", at_once)
    with ThreadPoolExecutor(MANY) as pool:
        won = list(pool.map(lambda number: keyfiles.make_once(path, f"key {number}".encode() * 100), range(MANY)))
    assert won.count(True) == 1
    assert path.read_bytes() == f"key {won.index(True)}".encode() * 100
    assert [one.name for one in path.parent.iterdir()] == ["site.pem"]
    assert path.stat().st_mode & 0o777 == 0o600
