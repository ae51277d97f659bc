"""Writes the reference of events from their classes; a test demands that it is current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ledger.reference import document


class Command(BaseCommand):
    help = "Writes docs/reference/events.md from the registered events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file is not current")

    def handle(self, *, check: bool, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "reference" / "events.md"
        text = document()
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                self.stderr.write("docs/reference/events.md is not current. Run: python manage.py document_events")
                raise SystemExit(1)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.stdout.write(f"{path.relative_to(settings.BASE_DIR)} describes every event.")
