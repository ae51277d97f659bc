"""What falls due: every part has its turn, whatever happens to another."""

from __future__ import annotations

from typing import Any

import pytest

from config.celery import TICKS
from core.registry import Registry
from governance import due, tasks


def test_a_part_that_fails_keeps_no_other_from_its_turn(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    parts: Registry[Any] = Registry("part")
    done: list[str] = []
    parts.register("first", lambda: done.append("first"), order=1)
    parts.register("second", lambda: 1 // 0, order=2)
    parts.register("third", lambda: done.append("third"), order=3)
    monkeypatch.setattr(due, "falling_due", parts)
    tasks.fall_due()
    assert done == ["first", "third"]
    assert "What is due could not be done" in caplog.text


def test_the_clock_asks_for_what_is_due() -> None:
    assert tasks.fall_due.name in TICKS
