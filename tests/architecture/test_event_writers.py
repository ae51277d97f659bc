"""Only `ledger.acts` writes an event: a row from elsewhere would be a fact that nobody answers for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.test_state_writers import PACKAGES, ROOT

WRITER = ROOT / "ledger" / "acts.py"
BY_MODEL = re.compile(r"\b(?:Event|Entry)\.objects\.a?(?:bulk_create|create|get_or_create|update_or_create)\b")
BY_HAND = re.compile(r"insert\s+into\s+\W{0,2}ledger_event\b", re.IGNORECASE)


def writes_an_event(source: str) -> bool:
    return BY_MODEL.search(source) is not None or BY_HAND.search(source) is not None


def test_only_the_acts_write_events() -> None:
    sources: list[Path] = [
        path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts
    ]
    assert [str(path.relative_to(ROOT)) for path in sources if writes_an_event(path.read_text(encoding="utf-8"))] == [
        str(WRITER.relative_to(ROOT))
    ]


@pytest.mark.parametrize(
    "source", ["Event.objects.create(type='x')", "Entry.objects.bulk_create(rows)", "'INSERT INTO ledger_event (id) VALUES (1)'"]
)
def test_every_way_of_writing_an_event_is_seen(source: str) -> None:
    assert writes_an_event(source)


@pytest.mark.parametrize("source", ["Event.objects.filter(type='x')", "INSERT INTO ledger_event_copy SELECT 1"])
def test_reading_events_is_let_be(source: str) -> None:
    assert not writes_an_event(source)
