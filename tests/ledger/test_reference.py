"""The reference of events is made from the code and describes every type."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from ledger.events import registered
from ledger.reference import document


def test_every_event_type_is_described_with_its_fields() -> None:
    text = document()
    for name, version, shape in registered():
        assert f"## {name}, version {version}\n\n" in text
        assert shape.__doc__
    assert "| `comment` | private |" in text
    assert "| `number` | `int` |" in text


def test_the_command_writes_the_reference_and_notices_an_old_one(settings: object, tmp_path: Path) -> None:
    settings.BASE_DIR = tmp_path
    with pytest.raises(SystemExit):
        call_command("document_events", check=True)
    call_command("document_events")
    call_command("document_events", check=True)
    assert (tmp_path / "docs/reference/events.md").read_text() == document()


def test_the_published_reference_is_current() -> None:
    published = (Path(settings.BASE_DIR) / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    ours = {"thing", "job"}  # the tests' own
    expected = [part for part in document().split("\n## ") if part.partition(".")[0] not in ours]
    assert published.split("\n## ") == expected
